// The lines of a log that the page has. A log view asks for rows by number, from `first` up to `end`.

import { ask, batches, Problem, query } from "./api.js";
import { keyOf } from "./log.js";

const CHUNK = 250;
/** Chunks that are kept; the ones unused for longest go first. */
const MOST_CHUNKS = 60;
const MOST_ROWS = 5_000;
const READ_MS = 500;

/** Lines of logs, as `devgroup logs --json` prints them. */
export async function readLines(token, keys, signal) {
	const lines = [];
	for await (const batch of batches(await ask(token, query("logs", keys), { signal }))) {
		for (const item of batch) {
			if (item.error != null) throw new Problem(0, item.error);
			if (item.cursor != null) lines.push(item);
		}
	}
	return lines;
}

class Store {
	first = 0;
	end = 0;
	closed = new AbortController();
	onchange = () => {};

	constructor(token) {
		this.token = token;
	}

	read(keys) {
		return readLines(this.token, keys, this.closed.signal);
	}

	close() {
		this.closed.abort();
	}
}

/** The whole log of one service, by the numbers of its lines. What is not here is fetched when it is looked at. */
export class LineStore extends Store {
	chunks = new Map();
	asked = new Set();

	constructor(token, service) {
		super(token);
		this.service = service;
	}

	/** Where the stream goes on, by service. */
	get services() {
		return new Map([[this.service, this.last?.cursor ?? null]]);
	}

	/** Fetches the end of the log. */
	async refresh() {
		const lines = await this.read({ service: this.service, last: CHUNK });
		this.add(lines);
		if (lines.length < CHUNK) this.first = lines[0]?.line ?? 0;
		this.onchange();
	}

	add(lines) {
		for (const line of lines) {
			const { line: number, text, cursor } = line;
			const epoch = cursor.slice(cursor.lastIndexOf(":") + 1);
			// The service has a new log.
			if (epoch !== this.epoch) Object.assign(this, { epoch, first: 0, end: 0, chunks: new Map(), asked: new Set() });
			const known = this.peek(number);
			// Of a line that has begun, only the rest may have come: the whole of it is fetched.
			this.put(number, known != null && known.text !== text && number === this.end - 1 ? undefined : line);
			if (number >= this.end - 1) this.last = line;
			this.end = Math.max(this.end, number + 1);
		}
		this.drop();
	}

	put(number, line) {
		const at = Math.floor(number / CHUNK);
		if (!this.chunks.has(at)) this.chunks.set(at, new Array(CHUNK));
		this.chunks.get(at)[number % CHUNK] = line;
		if (line === undefined) this.asked.delete(at);
	}

	drop() {
		const newest = Math.floor((this.end - 1) / CHUNK);
		for (const at of this.chunks.keys()) {
			if (this.chunks.size <= MOST_CHUNKS) return;
			if (at >= newest - 1) continue;
			this.chunks.delete(at);
			this.asked.delete(at);
		}
	}

	peek(number) {
		return this.chunks.get(Math.floor(number / CHUNK))?.[number % CHUNK];
	}

	/** The line, if it is here; if not, it is fetched. */
	at(number) {
		const [at, line] = [Math.floor(number / CHUNK), this.peek(number)];
		const chunk = this.chunks.get(at);
		if (chunk != null && number % CHUNK === 0) {
			this.chunks.delete(at);
			this.chunks.set(at, chunk);
		}
		if (line === undefined && this.epoch != null && !this.asked.has(at)) this.fetch(at);
		return line;
	}

	async fetch(at) {
		this.asked.add(at);
		// For all others a cursor is a text that only devgroup understands.
		const cursor = `${this.service}:0:${at * CHUNK}:${this.epoch}`;
		try {
			const lines = await this.read({ service: this.service, cursor, limit: CHUNK });
			for (const line of lines) if (line.line < (at + 1) * CHUNK) this.put(line.line, line);
			// What follows may be missing, too.
			if (lines.length > 0 && lines.length < CHUNK) this.asked.delete(at);
			// What was before them is gone from the group's memory.
			if (lines[0]?.line > at * CHUNK) this.first = Math.max(this.first, lines[0].line);
			this.drop();
			this.onchange();
		} catch {
			this.asked.delete(at);
		}
	}

	numbersOf(lines) {
		return lines.map(({ line }) => line);
	}
}

/** The newest lines of several services in the order of their arrival, or of a filter. */
export class ListStore extends Store {
	rows = [];
	newest = new Map();

	/** `filter`: `level` and `grep`, of which each may be missing. */
	constructor(token, names, filter) {
		super(token);
		Object.assign(this, { names, filter, is_whole: filter.level == null && filter.grep == null });
	}

	get services() {
		return new Map(this.names.map((name) => [name, this.newest.get(name)?.cursor ?? null]));
	}

	async refresh() {
		const begun = this.end;
		const lines = await this.read({ service: this.names, ...this.filter, last: MOST_ROWS / 2 });
		// What the stream has brought meanwhile.
		const late = this.rows.slice(Math.max(0, begun - this.first));
		// Behind a filter nothing is missing before the last row, and rows keep their places.
		const last = this.is_whole ? null : this.rows.at(-1);
		const at = lines.findLastIndex((line) => line.line === last?.line && line.service === last.service);
		if (at < 0) this.rows = [];
		if (at < 0) this.newest.clear();
		this.append([...lines.slice(at + 1), ...late]);
		this.onchange();
	}

	append(lines) {
		for (const line of lines) {
			if (this.newest.get(line.service)?.line >= line.line) continue;
			this.newest.set(line.service, line);
			this.rows.push(line);
			this.end += 1;
		}
		if (this.rows.length > MOST_ROWS) this.rows.splice(0, this.rows.length - MOST_ROWS);
		this.first = this.end - this.rows.length;
	}

	/** Lines of the stream. Where some are missing or different, or a filter decides, the group is asked. */
	add(lines) {
		const differs = ({ service, line, text }) => {
			const before = this.newest.get(service);
			return line > (before?.line ?? -1) + 1 || (line === before?.line && text !== before.text);
		};
		let is_whole = this.is_whole;
		for (const line of lines) {
			is_whole &&= !differs(line);
			if (this.is_whole) this.append([line]);
		}
		if (is_whole) return;
		this.timer ??= setTimeout(() => this.refresh().catch(() => {}).finally(() => (this.timer = null)), READ_MS);
	}

	peek(number) {
		return this.rows[number - this.first];
	}

	at(number) {
		return this.peek(number);
	}

	numbersOf(lines) {
		const numbers = new Map(this.rows.map((row, at) => [keyOf(row), this.first + at]));
		return lines.map((line) => numbers.get(keyOf(line)));
	}
}
