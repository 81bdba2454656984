// What is shown instead of the log: a service's details, the watcher's list, tasks.

import { query } from "./api.js";
import { el, link } from "./services.js";
import { age, bar, clock, count, exitWords, look, place, runs, some, took, workerNotes } from "./words.js";

/** A table. Each row is an array of texts and elements. */
function table(caption, heads, rows) {
	const line = (tag, cells) => el("tr", {}, ...cells.map((cell) => el(tag, tag === "th" ? { scope: "col" } : {}, cell ?? "")));
	const body = el("tbody", {}, ...rows.map((row) => line("td", row)));
	return el("table", {}, el("caption", {}, caption), el("thead", {}, line("th", heads)), body);
}

const state = (word, tone = "plain") => el("span", { className: `word tone-${tone}` }, word);
const button = (text, className, onclick) => el("button", { type: "button", className, onclick }, text);

export class Details {
	hours = [];

	constructor(box, ask) {
		Object.assign(this, { box, ask });
	}

	/** Asks how often it was restarted. */
	async refresh() {
		const { name, run } = this.service;
		const of = `${name} ${run}`;
		if (this.of === of) return;
		const [{ restarts_by_hour: hours }] = (await this.ask(query("history", { service: name }))).services;
		Object.assign(this, { of, hours });
		this.draw(this.service, this.events);
	}

	draw(service, events) {
		if (service.name !== this.service?.name) Object.assign(this, { of: null, hours: [] });
		Object.assign(this, { service, events });
		this.box.replaceChildren(...details(service, events, this.hours));
	}
}

function details(service, events, hours) {
	const now = Date.now();
	const { glyph, tone, text } = look(service, now);
	const { last_change: change, last_exit: exit } = service;
	const known = {
		State: state(`${glyph} ${text}`, tone),
		Reason: service.reason,
		Says: service.status_text,
		Process: service.pid,
		Page: link(service),
		Ports: Object.entries(service.ports).map(([name, port]) => `${name} ${port}`).join(", "),
		Tasks: workerNotes(service),
		Restarts: some(service.restarts).map(([cause, number]) => `${cause} ${number}`).join(", "),
		"Last 24h": hours.length > 0 && el("span", {}, el("code", {}, bar(hours)), ` · ${count(hours.reduce((sum, one) => sum + one), "restart")}`),
		"Last change": change && `${change.path}, ${age(change.at, now)} ago`,
		"Last exit": exit && `${exitWords(exit)}, ${age(exit.at, now)} ago`,
		File: service.file,
	};
	const pairs = Object.entries(known).filter(([, value]) => value);
	const list = el("dl", {}, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
	const rows = runs(events, service.name).map((one) => [
		one.run, one.at && clock(one.at), one.why, took(one.ready_ms), one.ended ?? "still running", took(one.up_ms),
	]);
	return [list, table("Last runs", ["Run", "Started", "Why", "Ready after", "Ended", "Up for"], rows)];
}

const VERDICTS = { restart: "good", held: "busy", pending: "busy", busy: "busy" };

export class Watcher {
	entries = [];
	is_all = true;

	constructor(box, ask) {
		Object.assign(this, { ask, list: el("div"), why: el("div", { ariaLive: "polite" }) });
		box.append(button("Hide or show ignored", "", () => this.toggle()), this.why, this.list);
	}

	toggle() {
		this.is_all = !this.is_all;
		this.draw();
	}

	async refresh() {
		this.entries = (await this.ask("watcher")).entries.reverse();
		this.draw();
	}

	draw() {
		const shown = this.entries.filter(({ verdict }) => this.is_all || !["ignored", "no match"].includes(verdict));
		const rows = shown.slice(0, 300).map(({ at, path, kind, services, verdict, rule_text: rule }) => [
			clock(at), button(path, "plain", () => this.explain(path)), state(verdict, VERDICTS[verdict]), services.join(", "), kind, rule,
		]);
		this.list.replaceChildren(table("File events, newest first", ["Time", "File", "Verdict", "Services", "Kind", "Rule"], rows));
	}

	/** Why a file does or does not restart somebody. */
	async explain(file) {
		const { path, verdict, services, notes, chain } = (await this.ask(query("why", { path: file }))).paths[0];
		const rows = chain.map(({ source, outcome, rule }) => [source, outcome, rule && `${place(rule)}  ${rule.pattern}`]);
		const title = [path, verdict, services.join(", ")].filter(Boolean).join(" · ");
		this.why.replaceChildren(el("h3", {}, title), ...notes.map((note) => el("p", {}, note)), table("", ["Source", "Outcome", "Rule"], rows));
	}
}

const STATES = { running: "good", retrying: "busy", dead: "bad", blocked: "busy" };

export class Tasks {
	constructor(box, ask) {
		Object.assign(this, { ask, list: el("div"), shown: el("div", { ariaLive: "polite" }) });
		const words = ["all", "waiting", "blocked", "running", "retrying", "completed", "dead"];
		this.state = el("select", { onchange: () => this.refresh() }, ...words.map((word) => el("option", {}, word)));
		box.append(el("label", {}, "State ", this.state), this.shown, this.list);
	}

	async refresh() {
		const word = this.state.value;
		const { tasks, counts, left_off } = await this.ask(query("tasks", { state: word === "all" ? null : word }));
		const rows = tasks.map((task) => [
			state(task.state, STATES[task.state]),
			button(task.task_id, "plain", () => this.show(task)),
			task.worker,
			task.tries || "-",
			age(task.since),
			[task.dlq_reason, task.reason].filter(Boolean).join(": "),
			task.state === "completed" ? "" : this.order(task, task.state === "dead" ? "Retry" : "Cancel"),
		]);
		const told = some(counts).map(([word, number]) => `${number} ${word}`);
		if (left_off > 0) told.push(`${left_off} more are not shown`);
		const heads = ["State", "Task", "Worker", "Tries", "Age", "Reason", "Order"];
		this.list.replaceChildren(table(told.join(" · ") || "no tasks", heads, rows));
	}

	order({ task_id: id, worker }, what) {
		const path = `tasks/${encodeURIComponent(id)}/${what.toLowerCase()}`;
		const does = button(what, "", () => this.ask(path, { body: { worker } }).then(() => this.refresh()));
		does.ariaLabel = `${what} ${id}`;
		return does;
	}

	async show({ task_id: id, worker }) {
		const told = await this.ask(query(`tasks/${encodeURIComponent(id)}`, { worker }));
		const texts = told.texts.flatMap(({ title, text }) => [el("h4", {}, title), el("pre", { tabIndex: 0 }, text)]);
		this.shown.replaceChildren(el("h3", {}, [told.task_id, told.worker, told.state].join(" · ")), ...texts);
	}
}
