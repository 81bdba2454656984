"""Cells of a terminal as SVG: a still picture, or a recording of several. Needs nothing besides Python 3."""
import re
import unicodedata
from html import escape

# The size of a cell, of the margin around all cells, and of the line below them that tells what is done.
WIDTH, HEIGHT, MARGIN, CAPTION = 8.4, 18, 12, 40
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
# A terminal's own colours: background, text, the 16.
DARK = ["18181b", "d4d4d8", *"27272a f87171 4ade80 facc15 60a5fa c084fc 22d3ee d4d4d8 71717a fca5a5 86efac fde047 93c5fd d8b4fe 67e8f9 fafafa".split()]
LIGHT = ["ffffff", "3f3f46", *"27272a b91c1c 15803d a16207 1d4ed8 7e22ce 0e7490 71717a 52525b dc2626 16a34a ca8a04 2563eb 9333ea 0891b2 a1a1aa".split()]
# The arms of what draws lines: left, right, up, down. In SVG, thick lines are as thin as the others.
ARMS = "1100 0011 0101 1001 0110 1010 0111 1011 1101 1110 1111".split()
LINES = {**dict(zip("─│┌┐└┘├┤┬┴┼", ARMS)), **dict(zip("━┃┏┓┗┛┣┫┳┻╋", ARMS)), **dict(zip("─│╭╮╰╯", ARMS))}
# A line at the left edge of its cell.
BAR = "▏"
PLAIN = dict(fg=None, bg=None, bold=False, dim=False, italic=False, underline=False, reverse=False)


def paint(style, codes, colours):
    """Applies the numbers of a sequence `CSI … m`."""
    codes = iter(codes)
    for code in codes:
        if code == 0:
            style.update(PLAIN)
        elif code in (1, 2, 3, 4, 7):
            style[{1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}[code]] = True
        elif code == 22:
            style.update(bold=False, dim=False)
        elif code in (23, 24, 27):
            style[{23: "italic", 24: "underline", 27: "reverse"}[code]] = False
        elif code in (38, 48):
            kind = next(codes)
            colour = "{:02x}{:02x}{:02x}".format(next(codes), next(codes), next(codes)) if kind == 2 else indexed(next(codes), colours)
            style["fg" if code == 38 else "bg"] = colour
        elif code in (39, 49):
            style["fg" if code == 39 else "bg"] = None
        else:
            for first, name, place in ((30, "fg", 0), (90, "fg", 8), (40, "bg", 0), (100, "bg", 8)):
                if first <= code < first + 8:
                    style[name] = colours[2 + place + code - first]


def indexed(number, colours):
    if number < 16:
        return colours[2 + number]
    if number < 232:
        steps = [0, 95, 135, 175, 215, 255]
        return "".join(f"{steps[(number - 16) // place % 6]:02x}" for place in (36, 6, 1))
    return f"{8 + (number - 232) * 10:02x}" * 3


def mixed(colour, ground):
    return "".join(f"{(int(colour[at:at + 2], 16) + int(ground[at:at + 2], 16)) // 2:02x}" for at in (0, 2, 4))


class Drawing:
    """Rows of cells as SVG. Colours are classes, which are short."""

    def __init__(self, colours):
        self.colours, self.classes = colours, {}

    def name(self, declaration):
        return self.classes.setdefault(declaration, f"c{len(self.classes)}")

    def style(self):
        return "".join(f".{name}{{{declaration}}}" for declaration, name in self.classes.items())

    def look(self, style):
        """Text colour, background and further looks of a cell."""
        fg, bg = style["fg"] or self.colours[1], style["bg"] or self.colours[0]
        if style["reverse"]:
            fg, bg = bg, fg
        if style["dim"]:
            fg = mixed(fg, bg)
        more = "".join(text for key, text in (("bold", ";font-weight:700"), ("italic", ";font-style:italic"),
                                              ("underline", ";text-decoration:underline")) if style[key])
        return fg, bg, more

    def row(self, row):
        grounds, texts, at = "", "", 0
        pieces = []
        for character, style in row:
            look = self.look(style)
            wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if pieces and pieces[-1][1] == look:
                pieces[-1][2].append((at, character))
            else:
                pieces.append((at, look, [(at, character)]))
            at += wide
        for place, (start, (fg, bg, more), characters) in enumerate(pieces):
            end = pieces[place + 1][0] if place + 1 < len(pieces) else at
            if bg != self.colours[0]:
                grounds += f'<rect class="{self.name("fill:#" + bg)}" x="{px(start)}" width="{px(end - start)}" height="{HEIGHT}"/>'
            texts += self.text(characters, fg, more)
        return grounds + texts

    def text(self, characters, fg, more):
        """Words keep the width of their cells in any font; lines are drawn; other signs stand in the middle of theirs."""
        out, line, style = "", "", self.name(f"fill:#{fg}{more}")
        text = "".join(character for _, character in characters)
        for match in re.finditer(r"[!-~]+(?: [!-~]+)*|[^ ]", text):
            at = characters[match.start()][0]
            word = match[0]
            if word in LINES:
                line += arms(at, LINES[word])
            elif word == BAR:
                line += f"M{at * WIDTH + 1:.1f} 0.0L{at * WIDTH + 1:.1f} {HEIGHT:.1f}"
            elif word.isascii():
                out += f'<text class="{style}" x="{px(at)}" y="13.5" textLength="{px(len(word))}">{escape(word, quote=False)}</text>'
            else:
                out += f'<text class="{style} m" x="{px(at + 0.5)}" y="13.5">{word}</text>'
        if line:
            out += f'<path class="{self.name(f"stroke:#{fg}")}" d="{joined(line)}"/>'
        return out


def px(cells):
    return f"{cells * WIDTH:.1f}".removesuffix(".0")


def arms(at, there):
    """The path of a sign that draws lines."""
    x, y, left, top = (at + 0.5) * WIDTH, HEIGHT / 2, at * WIDTH, 0
    ends = {0: (left, y, x, y), 1: (x, y, left + WIDTH, y), 2: (x, top, x, y), 3: (x, y, x, HEIGHT)}
    return "".join("M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*ends[arm]) for arm, is_there in enumerate(there) if is_there == "1")


def joined(path):
    """Pieces of a line that follow each other, as one."""
    out = []
    for start, end in re.findall(r"M([\d.]+ [\d.]+)L([\d.]+ [\d.]+)", path):
        is_straight = out and any(len({point.split()[axis] for point in (*out[-1], end)}) == 1 for axis in (0, 1))
        if is_straight and out[-1][1] == start:
            out[-1][1] = end
        else:
            out.append([start, end])
    return "".join(f"M{start}L{end}" for start, end in out)


def document(width, height, style, colours, title, body):
    edge = mixed(mixed(colours[1], colours[0]), colours[0])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
        f"<title>{escape(title)}</title><style>text{{font:14px {FONT};white-space:pre}}path{{fill:none;stroke-width:1.2}}.m{{text-anchor:middle}}{style}</style>"
        f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8" fill="#{colours[0]}" stroke="#{edge}"/>{body}</svg>\n'
    )


def still(cells, size, colours):
    drawing = Drawing(colours)
    rows = "".join(f'<g transform="translate({MARGIN},{MARGIN + y * HEIGHT})">{drawing.row(row)}</g>' for y, row in enumerate(cells) if row)
    width, height = size[0] * WIDTH + 2 * MARGIN, size[1] * HEIGHT + 2 * MARGIN
    return document(width, height, drawing.style(), colours, "devgroup, the dashboard", rows)


def recording(frames, size, colours):
    """Frames side by side, moved past a window. A row that several frames share is there once."""
    drawing, rows, film, seconds = Drawing(colours), {}, "", 0
    width, height = size[0] * WIDTH + 2 * MARGIN, size[1] * HEIGHT + 2 * MARGIN + CAPTION
    total = sum(duration for _, _, duration in frames)
    steps = ""
    for place, (cells, caption, duration) in enumerate(frames):
        steps += f"{100 * seconds / total:.2f}%{{transform:translateX({-place * width:.0f}px)}}"
        seconds += duration
        shown = ""
        for y, row in enumerate(cells):
            drawn = drawing.row(row)
            if drawn:
                name = rows.setdefault(drawn, f"r{len(rows)}")
                shown += f'<use href="#{name}" y="{y * HEIGHT}"/>'
        key, _, words = caption.rpartition("|")
        box = len(key) * WIDTH + 14
        if key:
            shown += f'<rect class="k" y="{height - MARGIN - 42:.0f}" width="{box:.1f}" height="24" rx="4"/><text class="t" x="7" y="{height - MARGIN - 25:.0f}">{escape(key)}</text>'
        shown += f'<text class="t" x="{box + 8 if key else 0:.1f}" y="{height - MARGIN - 25:.0f}">{escape(words)}</text>'
        film += f'<g transform="translate({place * width + MARGIN:.0f},{MARGIN})">{shown}</g>'
    parts = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in rows.items())
    style = (
        f".k{{fill:none;stroke:#{colours[1]}}}.t{{fill:#{colours[1]}}}.f{{animation:f {total}s step-end infinite}}@keyframes f{{{steps}}}"
        "@media(prefers-reduced-motion:reduce){.f{animation:none}}"
    )
    line = f'<path stroke="#{mixed(colours[1], colours[0])}" d="M0 {height - CAPTION - MARGIN / 2:.1f}H{width:.0f}"/>'
    body = f'<defs>{parts}</defs>{line}<g class="f">{film}</g>'
    return document(width, height, drawing.style() + style, colours, "devgroup, a recording", body)
