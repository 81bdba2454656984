// Draws a log. Only the lines in sight and some around them are in the page; each is a row, which stays the same element.

import { write } from "./services.js";
import { beginsError, clock, isError } from "./words.js";

/** Beyond this height browsers lose places; a longer log is scrolled in larger steps. */
const MOST_PIXELS = 8_000_000;
const MOST_ROWS = 300;
/** Above those in sight while the end is followed. */
const SPARE_ROWS = 10;
const DRAW_MS = 80;
/** Characters of a line that are shown. */
const LONGEST = 8_000;

export const keyOf = ({ service, line }) => `${service}:${line}`;

const bottom = (row) => row.offsetTop + row.offsetHeight;

export class LogView {
	store = null;
	rows = [];
	follow = true;
	/** With times; with the names of services. */
	times = false;
	names = false;
	/** The lines that a search has found, by `keyOf`, and the number of the current one. */
	hits = new Set();
	current = null;
	drawn = 0;

	/** `onfollow`: whether it follows the end. */
	constructor(box, onfollow) {
		Object.assign(this, { box, onfollow });
		[this.above, this.block, this.below] = box.children;
		box.addEventListener("scroll", () => this.scrolled());
		new ResizeObserver(() => this.changed()).observe(box);
		document.addEventListener("selectionchange", () => this.changed());
	}

	show(store) {
		this.store = store;
		store.onchange = () => this.changed();
		this.setFollow(true);
		this.changed();
	}

	clear() {
		this.store?.close();
		Object.assign(this, { store: null, rows: [], hits: new Set(), current: null });
		this.block.replaceChildren();
	}

	setFollow(follow) {
		this.follow = follow;
		this.onfollow(follow);
	}

	changed() {
		const draw = () => {
			this.timer = null;
			this.drawn = performance.now();
			// It does not move under a selection, nor out of sight.
			if (this.store != null && this.box.clientHeight > 0 && !(this.follow && this.isSelected())) this.draw();
		};
		const wait = Math.max(0, this.drawn + DRAW_MS - performance.now());
		this.timer ??= setTimeout(() => requestAnimationFrame(draw), wait);
	}

	isSelected() {
		const selection = document.getSelection();
		return !selection.isCollapsed && this.box.contains(selection.anchorNode);
	}

	get unit() {
		return (this.height ??= parseFloat(getComputedStyle(this.box).lineHeight));
	}

	/** The height of a line that is not in the page. */
	get step() {
		return Math.min(this.unit, MOST_PIXELS / Math.max(1, this.store.end - this.store.first));
	}

	/** The first line in sight, and where. */
	anchor() {
		const { scrollTop: top } = this.box;
		const row = this.rows.find((one) => bottom(one) > top);
		return row && { number: row.number, offset: row.offsetTop - top };
	}

	/** Draws. What stands at the anchor stays there. */
	draw(anchor = this.follow ? null : this.anchor()) {
		const { box, step, store: { first, end } } = this;
		const fitting = Math.ceil(box.clientHeight / this.unit) + 1;
		const most = Math.min(MOST_ROWS, this.follow ? fitting + SPARE_ROWS : fitting * 3);
		const wanted = this.follow || anchor == null ? end : anchor.number - Math.floor((most - fitting) / 2);
		const from = Math.max(first, Math.min(wanted, end - most));
		const until = Math.min(end, from + most);
		this.place(from, until);
		this.above.style.height = `${(from - first) * step}px`;
		this.below.style.height = `${(end - until) * step}px`;
		if (this.follow) box.scrollTop = box.scrollHeight;
		else if (anchor != null && until > from) {
			const row = this.rows[Math.max(0, Math.min(anchor.number, until - 1) - from)];
			box.scrollTop = row.offsetTop - anchor.offset;
		}
		this.top = box.scrollTop;
	}

	place(from, until) {
		const [block, old] = [this.block, new Map(this.rows.map((row) => [row.number, row]))];
		const spare = this.rows.filter(({ number }) => number < from || number >= until);
		// Where none stays, each is written anew in its place.
		if (spare.length < old.size) spare.forEach((row) => row.remove());
		this.rows = [];
		for (let number = from; number < until; number += 1) {
			const row = old.get(number) ?? Object.assign(spare.shift() ?? this.row(), { number });
			const there = block.children[number - from] ?? null;
			if (row !== there) block.insertBefore(row, there);
			this.rows.push(row);
			this.fill(row);
		}
		spare.forEach((row) => row.remove());
	}

	row() {
		const row = document.createElement("div");
		row.parts = ["time", "who", "text"].map((className) => Object.assign(document.createElement("span"), { className }));
		row.append(...row.parts);
		return row;
	}

	/** Writes a line into its row, as text. */
	fill(row) {
		const line = this.store.at(row.number);
		const kinds = ["line"];
		if (line == null) kinds.push("missing");
		else if (line.marker) kinds.push("marker");
		else if (isError(line)) kinds.push(beginsError(line, this.store.peek(row.number - 1)) ? "error" : "trace");
		else if (line.level === "warn") kinds.push("warning");
		if (line != null && this.hits.has(keyOf(line))) kinds.push("hit");
		if (row.number === this.current) kinds.push("current");
		const className = kinds.join(" ");
		const look = className + this.times;
		if (row.line === line && row.look === look) return;
		Object.assign(row, { line, look, className });
		let said = line?.text ?? "";
		if (said.length > LONGEST) said = `${said.slice(0, LONGEST)} … ${said.length - LONGEST} more characters`;
		// The dashes of a marker are drawn.
		if (line?.marker) said = said.replace(/^── | ──$/g, "");
		const texts = [this.times && line ? `${clock(line.at)} ` : "", this.names && line ? `${line.service} ` : "", said];
		row.parts.forEach((part, at) => write(part, texts[at]));
	}

	scrolled() {
		const { box, above, block, store } = this;
		const { scrollTop: top, clientHeight: height } = box;
		if (store == null || Math.abs(top - this.top) < 1) return;
		const below = box.scrollHeight - top - height;
		const follow = below <= 1 || (top > this.top && below < this.unit);
		if (follow !== this.follow) this.setFollow(follow);
		const [begin, end] = [above.offsetHeight, above.offsetHeight + block.offsetHeight];
		this.top = top;
		const number = store.first + Math.floor(top / this.step);
		if (!follow && (top + height < begin || top > end)) this.draw({ number, offset: 0 });
		else if (follow || top - height / 2 < begin || top + height * 1.5 > end) this.draw();
	}

	/** Goes to a line, which then stands a third from the top. */
	goTo(number) {
		this.setFollow(false);
		this.current = number;
		this.draw({ number, offset: this.box.clientHeight / 3 });
	}

	toTop() {
		this.setFollow(false);
		this.draw({ number: this.store.first, offset: 0 });
	}

	toEnd() {
		this.current = null;
		this.setFollow(true);
		this.draw();
	}

	scrollBy(pages) {
		this.box.scrollTop += pages * (this.box.clientHeight - this.unit);
	}

	inSight() {
		const { scrollTop: top, clientHeight: height } = this.box;
		const seen = this.rows.filter((row) => bottom(row) > top && row.offsetTop < top + height);
		return [seen[0]?.number ?? 0, seen.at(-1)?.number ?? -1];
	}

	textOf(from, until) {
		const texts = [];
		for (let number = from; number <= until; number += 1) texts.push(this.store.peek(number)?.text ?? "");
		return texts.join("\n");
	}
}
