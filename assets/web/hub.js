// The stream of the group, one for all tabs, since a browser opens only six connections to a host. It runs in a
// SharedWorker, or in the page where there is none.

import { ask, batches, query } from "./api.js";

/** How long the stream is kept while no tab is visible. */
const HIDDEN_MS = 60_000;
const WAITS_MS = [250, 500, 1_000, 2_000, 4_000];
const BATCH_MS = 50;
/** Lines for a tab at once. Of a log alone only the end is drawn; the rest is fetched when it is looked at. */
const MOST_LINES = 2_000;
const MOST_OF_ONE = 400;
const MOST_EVENTS = 4_000;

export class Hub {
	tabs = new Map();
	token = null;
	state = { type: "connection" };
	status = null;
	events = [];
	fresh = [];
	/** Where the log of each service goes on; null of a log without lines. */
	cursors = new Map();
	stream = null;
	tries = 0;
	timers = {};

	/** A tab has come. */
	join(port) {
		this.tabs.set(port, { logs: new Map(), visible: true, lines: [], busy: false });
		port.onmessage = ({ data }) => this.tabs.has(port) && this[data.type](data, this.tabs.get(port), port);
		port.onclose = () => this.bye({}, null, port);
	}

	hello({ token, visible }, tab, port) {
		tab.visible = visible;
		this.token ??= token;
		port.postMessage({ type: "token", token: this.token });
		if (this.status != null) port.postMessage(this.status);
		port.postMessage({ type: "events", events: this.events });
		port.postMessage(this.state);
		this.look();
	}

	login({ token }) {
		this.forget();
		this.token = token;
		this.tell({ type: "token", token });
		this.look();
	}

	want({ logs }, tab, port) {
		tab.logs = logs;
		tab.lines = tab.lines.filter((line) => tab.logs.has(line.service));
		const added = [...logs].filter(([name]) => !this.cursors.has(name));
		for (const [name, cursor] of added) this.cursors.set(name, cursor);
		// Another tab has had lines that came before this one asked.
		if ([...logs].some(([name, cursor]) => this.cursors.get(name) !== cursor)) port.postMessage({ type: "behind" });
		if (added.length > 0) this.open();
	}

	visible({ visible }, tab) {
		tab.visible = visible;
		this.look();
	}

	taken(_, tab) {
		tab.busy = false;
		if (tab.lines.length > 0) this.later();
	}

	bye(_, tab, port) {
		this.tabs.delete(port);
		this.look();
	}

	tell(message) {
		for (const port of this.tabs.keys()) port.postMessage(message);
	}

	show(state, reason) {
		this.state = { type: "connection", state, reason };
		this.tell(this.state);
	}

	isLookedAt() {
		return this.token != null && [...this.tabs.values()].some((tab) => tab.visible);
	}

	/** Opens the stream for a visible tab, and lets it go when none is for a while. */
	look() {
		clearTimeout(this.timers.hidden);
		const release = () => {
			this.close();
			// A tab that is visible again fetches what it missed.
			for (const name of this.cursors.keys()) this.cursors.set(name, null);
		};
		if (this.token != null && !this.isLookedAt()) this.timers.hidden = setTimeout(release, HIDDEN_MS);
		else if (this.stream == null && this.timers.retry == null) this.open();
	}

	close() {
		clearTimeout(this.timers.retry);
		this.timers.retry = null;
		this.stream?.abort();
		this.stream = null;
	}

	forget() {
		this.close();
		Object.assign(this, { token: null, status: null, events: [], fresh: [], tries: 0, cursors: new Map() });
	}

	/** Opens the stream anew, with the logs that are wanted now, from where each is. */
	async open() {
		if (this.token == null) return;
		this.close();
		const stream = (this.stream = new AbortController());
		const wanted = new Set([...this.tabs.values()].flatMap((tab) => [...tab.logs.keys()]));
		for (const name of this.cursors.keys()) if (!wanted.has(name)) this.cursors.delete(name);
		const [logs, cursor] = [[...this.cursors.keys()], [...this.cursors.values()]];
		const path = query("stream", { status: 1, events: 1, after: this.events.at(-1)?.seq, logs, cursor });
		try {
			const response = await ask(this.token, path, { signal: stream.signal });
			this.tries = 0;
			if (stream === this.stream) this.show("connected");
			for await (const batch of batches(response)) {
				if (stream !== this.stream) return;
				batch.forEach((item) => this.take(item));
			}
			throw new Error("the group has ended");
		} catch (problem) {
			if (stream === this.stream) this.lost(problem);
		}
	}

	lost({ status, message }) {
		this.close();
		if (status === 401) {
			this.forget();
			this.tell({ type: "token", token: null });
			return;
		}
		if (status === 404) {
			// A service has gone from the file: the tabs ask for what is there.
			this.cursors.clear();
			this.tell({ type: "again" });
		}
		this.show("lost", status == null ? "" : message);
		const again = () => {
			this.timers.retry = null;
			if (this.isLookedAt()) this.open();
		};
		this.timers.retry = setTimeout(again, WAITS_MS[Math.min(this.tries, WAITS_MS.length - 1)]);
		this.tries += 1;
	}

	/** Something has come. Skipped lines leave a gap, which a tab fills when it is looked at. */
	take({ status, event, log }) {
		if (status != null) {
			this.status = { type: "status", status, at: Date.now() };
			this.tell(this.status);
		} else if (event != null && event.seq > (this.events.at(-1)?.seq ?? 0)) {
			this.events.push(event);
			if (this.events.length > MOST_EVENTS) this.events.splice(0, MOST_EVENTS / 4);
			this.fresh.push(event);
			this.later();
		} else if (log != null) {
			this.cursors.set(log.service, log.cursor);
			for (const { visible, logs, lines } of this.tabs.values()) {
				if (visible && logs.has(log.service)) lines.push(log);
				const most = logs.size > 1 ? MOST_LINES : MOST_OF_ONE;
				if (lines.length > most) lines.splice(0, most / 4);
			}
			this.later();
		}
	}

	/** Hands on what has come, soon; to a busy tab when it has taken what it has. */
	later() {
		this.timers.batch ??= setTimeout(() => {
			this.timers.batch = null;
			if (this.fresh.length > 0) this.tell({ type: "events", events: this.fresh });
			this.fresh = [];
			for (const [port, tab] of this.tabs) {
				if (tab.busy || tab.lines.length === 0) continue;
				port.postMessage({ type: "lines", lines: tab.lines });
				Object.assign(tab, { lines: [], busy: true });
			}
		}, BATCH_MS);
	}
}

if ("onconnect" in self) {
	const hub = new Hub();
	self.onconnect = ({ ports: [port] }) => hub.join(port);
}
