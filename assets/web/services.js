// The table of services.

import { age, approx, bytes, counts, lives, look, workerNotes } from "./words.js";

/** An element. Texts become text, whatever is in them. */
export function el(tag, properties = {}, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children.filter((child) => child != null));
	return element;
}

export function write(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

/** A link to the page of a service, which learns nothing of ours. */
export function link({ url, ports: { port } }) {
	const href = url ?? (port == null ? "" : `http://localhost:${port}`);
	if (!/^https?:\/\/[^/]/i.test(href)) return null;
	const text = href.replace(/^https?:\/\/(localhost|127\.0\.0\.1)?/i, "").replace(/\/$/, "");
	return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text || href);
}

/** Services with these letters in their names: ungrouped ones, then each group. */
export function grouped(services, letters) {
	const shown = services.filter((service) => service.name.toLowerCase().includes(letters.toLowerCase()));
	return [...Map.groupBy(shown, (service) => service.group ?? "")].sort(([one], [other]) => (one !== "") - (other !== ""));
}

const COLUMNS = ["number", "name", "state", "counts", "age", "cpu", "memory", "url"];

export class ServiceTable {
	rows = new Map();

	constructor(table, choose) {
		Object.assign(this, { table, choose });
	}

	draw({ services, at, selected, letters, usage, now }) {
		const groups = grouped(services, letters);
		const order = JSON.stringify(groups.map(([group, those]) => [group, those.map((service) => service.name)]));
		if (order !== this.order) this.arrange(groups);
		this.order = order;
		this.table.classList.toggle("measured", usage != null);
		for (const service of groups.flatMap(([, those]) => those)) {
			const { row, button, glyph, word, note, counts: signs, age: time, cpu, memory, url } = this.rows.get(service.name);
			const { tone, text, ...told } = look(service, now);
			row.className = `tone-${tone}${service.name === selected ? " selected" : ""}`;
			button.ariaCurrent = service.name === selected ? "true" : null;
			write(glyph, told.glyph);
			write(word, text);
			write(signs, counts(service));
			const { last_change: change, last_exit: exit, uptime_ms: up } = service;
			write(time, up != null ? approx(up + now - at) : lives(service) ? "" : age(exit?.at, now));
			write(note, workerNotes(service) || (change ? `${change.path} ${age(change.at, now)}` : ""));
			const used = usage?.services.find((one) => one.name === service.name)?.usage;
			write(cpu, used?.cpu_percent == null ? "" : `${Math.round(used.cpu_percent)}%`);
			write(memory, used?.memory_bytes == null ? "" : bytes(used.memory_bytes));
			const page = link(service);
			if ((page?.href ?? "") !== (url.firstChild?.href ?? "")) url.replaceChildren(...[page].filter(Boolean));
		}
	}

	/** Puts the rows into their order. One that stays keeps the focus. */
	arrange(groups) {
		for (const body of [...this.table.tBodies]) body.remove();
		const old = this.rows;
		this.rows = new Map();
		for (const [group, those] of groups) {
			const body = el("tbody");
			if (group) body.append(el("tr", { className: "heading" }, el("th", { colSpan: COLUMNS.length, scope: "rowgroup" }, group)));
			for (const { name } of those) {
				this.rows.set(name, old.get(name) ?? this.row(name));
				write(this.rows.get(name).number, this.rows.size < 10 ? String(this.rows.size) : "");
				body.append(this.rows.get(name).row);
			}
			this.table.append(body);
		}
	}

	row(name) {
		const cells = Object.fromEntries(COLUMNS.map((column) => [column, el(column === "name" ? "th" : "td", { className: column })]));
		const row = el("tr", { onclick: () => this.choose(name) }, ...Object.values(cells));
		const [glyph, word, note] = ["glyph", "word", "note"].map((className) => el("span", { className }));
		const button = el("button", { type: "button" }, name);
		cells.name.scope = "row";
		cells.name.append(button, note);
		cells.state.append(glyph, " ", word);
		glyph.ariaHidden = "true";
		return { ...cells, row, button, glyph, word, note };
	}
}
