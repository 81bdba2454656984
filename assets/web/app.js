// The page: what is chosen in it, its keys, and what it asks the group for.

import { askFor } from "./api.js";
import { keyOf, LogView } from "./log.js";
import { LineStore, ListStore, readLines } from "./log_store.js";
import { Details, Tasks, Watcher } from "./panels.js";
import { el, grouped, link, ServiceTable, write } from "./services.js";
import { age, beginsError, count, holdWords, isError, lives, look, place, stateCounts, watchWords } from "./words.js";

const $ = (id) => document.getElementById(id);
const USAGE_MS = 5_000;
/** Kept in this browser. */
const likes = { wrap: true, times: false, usage: true, ...JSON.parse(localStorage.devgroup ?? "{}") };
const page = { view: "log", letters: "", level: "", text: "", only: false, events: [] };
const log = new LogView($("log"), (follow) => press("follow", follow));
const table = new ServiceTable($("table"), choose);
const [details, watcher, tasks] = [new Details($("details"), call), new Watcher($("watcher"), call), new Tasks($("tasks"), call)];
const buttons = new Map();

/** Every action: its keys, as on the dashboard, and what it does. */
const ACTIONS = {
	"next service": ["j ↓", () => step(1)],
	"previous service": ["k ↑", () => step(-1)],
	"filter services": ["'", () => $("letters").focus()],
	restart: ["r", () => order("restart")],
	start: ["s", () => order("start")],
	stop: ["x", () => order("stop")],
	"open url": ["o", () => link(service())?.click()],
	type: ["i", type],
	resume: ["p", () => call("resume", { body: {} })],
	"pause watching": ["p", () => call("pause", { body: {} })],
	"discard changes": ["P", () => isPaused() && call("resume", { body: { discard: true } })],
	log: ["", () => show("log")],
	"all logs": ["a", () => show("all logs")],
	details: ["d", () => show("details")],
	watcher: ["W", () => show("watcher")],
	tasks: ["T", () => show("tasks")],
	search: ["/", () => $("search").focus()],
	"next match": ["n", () => goToMatch(1)],
	"previous match": ["N", () => goToMatch(-1)],
	"only matches": ["&", () => toggle(page, "only")],
	"next error": ["e", () => goToError(1)],
	"previous error": ["E", () => goToError(-1)],
	"next run": ["] .", () => goToRun(1)],
	"previous run": ["[ ,", () => goToRun(-1)],
	follow: ["f G End", () => log.toEnd()],
	top: ["g Home", () => log.toTop()],
	"page down": ["PageDown Space Ctrl-d", () => log.scrollBy(1)],
	"page up": ["PageUp Ctrl-u", () => log.scrollBy(-1)],
	wrap: ["w", () => toggle(likes, "wrap")],
	times: ["t", () => toggle(likes, "times")],
	copy: ["c y", copy],
	zoom: ["z Enter b", () => document.body.classList.toggle("zoomed")],
	usage: ["u", () => toggle(likes, "usage")],
	help: ["?", () => $("help").showModal()],
	back: ["Esc q", back],
	"copy login address": ["", async () => put((await call("session/code", { body: {} })).url, "a login address that works once, within a minute")],
};
const BARS = {
	"group-bar": ["pause watching", "help"],
	hold: ["resume", "discard changes"],
	views: ["log", "all logs", "details", "watcher", "tasks"],
	orders: ["start", "restart", "stop", "open url", "type"],
	tools: ["only matches", "next error", "follow", "wrap", "times", "copy"],
	"help-bar": ["copy login address", "back"],
};
/** From search to copy. */
const ofLog = Object.keys(ACTIONS).slice(16, 31);
const byKey = new Map(Object.entries(ACTIONS).flatMap(([name, [keys]]) => keys.split(" ").map((key) => [key, name])));

const attempt = async (does) => {
	try {
		await does();
	} catch ({ name, message }) {
		if (name !== "AbortError") tell(message);
	}
};
const run = (name) => attempt(ACTIONS[name][1]);
const press = (name, is_pressed) => buttons.get(name)?.setAttribute("aria-pressed", is_pressed);
const service = () => page.status?.services.find((one) => one.name === page.selected);
const names = () => grouped(page.status?.services ?? [], page.letters).flatMap(([, those]) => those.map((one) => one.name));
const capital = (text) => text[0].toUpperCase() + text.slice(1);
/** By hand: what else holds ends by itself. */
const isPaused = () => page.status?.watch.state === "paused";
const order = (what) => call(`services/${encodeURIComponent(page.selected)}/${what}`, { body: {} });

function call(path, options) {
	return askFor(page.token, path, options);
}

function tell(text, is_well = false) {
	write($("notice"), text);
	$("notice").classList.toggle("well", is_well);
	clearTimeout(tell.timer);
	tell.timer = setTimeout(() => write($("notice"), ""), 8000);
}

/** The way to the worker of all tabs; where there is none, the page does its work. */
function connect() {
	if (self.SharedWorker != null) {
		const only = { createScriptURL: () => "/hub.js" };
		const url = self.trustedTypes?.createPolicy("devgroup", only).createScriptURL("") ?? "/hub.js";
		return new SharedWorker(url, { type: "module", name: "devgroup" }).port;
	}
	const { port1, port2 } = new MessageChannel();
	import("./hub.js").then(({ Hub }) => new Hub().join(port1));
	return port2;
}

const port = connect();
const say = (type, more) => port.postMessage({ type, ...more });
const heard = {
	token({ token }) {
		if (token == null) sessionStorage.clear();
		else sessionStorage.token = token;
		// Of another group nothing is to be left.
		if (page.token != null && token !== page.token) return location.reload();
		page.token = token;
		$("login").hidden = token != null;
		$("group").hidden = token == null;
		soon();
		measure();
	},
	connection({ state, reason }) {
		write($("connection"), state === "lost" ? `connection lost${reason ? `: ${reason}` : ""} · reconnecting` : "");
		if (state === "connected") log.changed();
	},
	status({ status, at }) {
		Object.assign(page, { status, at });
		soon();
	},
	events({ events }) {
		const last = page.events.at(-1)?.seq ?? 0;
		page.events = [...page.events, ...events.filter(({ seq }) => seq > last)].slice(-4000);
		soon();
	},
	lines({ lines }) {
		say("taken");
		log.store?.add(lines);
		log.changed();
	},
	behind: () => attempt(() => log.store?.refresh()),
	again: () => attempt(() => log.store?.refresh().then(want)),
};
port.onmessage = ({ data }) => heard[data.type](data);

function want() {
	say("want", { logs: log.store?.services ?? new Map() });
}

/** What services use is measured while somebody looks at it. */
async function measure() {
	clearTimeout(measure.timer);
	measure.timer = setTimeout(measure, USAGE_MS);
	if (!likes.usage || page.token == null || document.hidden) return;
	page.usage = await call("usage").catch(() => page.usage);
	soon();
}

function choose(name) {
	Object.assign(page, { selected: name, view: page.view === "all logs" ? "log" : page.view });
	soon();
}

function step(by) {
	if (document.body.matches(".zoomed")) return log.box.scrollBy(0, by * log.unit);
	const shown = names();
	const next = shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(page.selected) + by))];
	if (next != null) choose(next);
}

function show(view) {
	page.view = page.view === view ? "log" : view;
	soon();
}

function toggle(where, name) {
	where[name] = !where[name];
	localStorage.devgroup = JSON.stringify(likes);
	set();
}

function set() {
	for (const [name, is_on] of Object.entries({ ...likes, "only matches": page.only })) press(name, is_on);
	$("log").classList.toggle("wrapped", likes.wrap);
	log.times = likes.times;
	log.changed();
	want();
	soon();
	measure();
}

function back() {
	if ($("help").open) return $("help").close();
	$("send").hidden = true;
	if (document.activeElement?.matches("input")) $("log").focus();
	else if (page.view !== "log") show("log");
	else if (page.text) search("");
	else document.body.classList.remove("zoomed");
}

/** Draws once for all that comes together, and fetches what a panel shows. */
function soon() {
	soon.frame ??= requestAnimationFrame(() => {
		soon.frame = null;
		draw();
		const one = service();
		if (page.view === "details" && one != null) details.draw(one, page.events);
		const panel = { details, watcher, tasks }[page.view];
		if (panel == null || page.token == null) return;
		soon.timer ??= setTimeout(() => panel.refresh().catch(() => {}).finally(() => (soon.timer = null)), 200);
	});
}

function draw() {
	const { status, at, view, token } = page;
	if (status == null || token == null) return;
	const [now, services] = [Date.now(), status.services];
	if (service() == null) page.selected = (services.find((one) => look(one).tone === "bad") ?? services[0])?.name;
	drawHeader(status, now);
	table.draw({ services, at, selected: page.selected, letters: page.letters, usage: likes.usage ? page.usage : null, now });
	const one = service();
	const [is_log, is_one] = [view === "log" || view === "all logs", one != null && ["log", "details"].includes(view)];
	const { glyph, text } = one ? look(one, now) : {};
	write($("title"), is_one ? `${one.name} ${glyph} ${text}` : capital(view));
	for (const id of ["tools", "log"]) $(id).hidden = !is_log;
	for (const id of ["details", "watcher", "tasks"]) $(id).hidden = view !== id;
	$("orders").hidden = !is_one;
	for (const name of BARS.views) buttons.get(name).ariaCurrent = name === view ? "page" : null;
	if (is_one) buttons.get("start").hidden = lives(one);
	if (is_one) buttons.get("open url").hidden = link(one) == null;
	const last = page.events.findLast(({ path, type }) => path != null && (type === "start" || type === "restart"));
	const rule = last?.rule && ` · ${place(last.rule)}`;
	write($("last"), last ? `↻ ${last.service} · ${last.message} · ${age(last.at, now)} ago${rule ?? ""}` : "");
	if (is_log) openLog();
}

function drawHeader(status, now) {
	const counts = stateCounts(status.services);
	document.title = `${counts.some(({ bad }) => bad) ? "✗ " : ""}${status.project} · devgroup`;
	write($("project"), status.project);
	const parts = counts.map(({ word, number, bad }) => el("span", { className: bad ? "word tone-bad" : "" }, `${number} ${word}`));
	$("counts").replaceChildren(...(status.stopping ? ["STOPPING"] : parts));
	write($("watching"), watchWords(status));
	const holds = holdWords(status, now);
	$("hold").hidden = !holds;
	write($("hold-words"), `‖ ${holds} `);
	buttons.get("pause watching").hidden = isPaused();
	for (const name of BARS.hold) buttons.get(name).hidden = !isPaused();
	write($("trouble"), [status.file_problem, status.watch.problem].filter(Boolean).join(" · "));
}

/** What is searched for. Text between slashes is a regex. */
const grep = () => /^\/(.+)\/$/.exec(page.text)?.[1] ?? page.text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Opens the log that is chosen, if it is not open already. */
function openLog() {
	const is_all = page.view === "all logs";
	const services = is_all ? page.status.services.map((one) => one.name) : [page.selected];
	const filter = { level: page.level || null, grep: page.only && page.text ? grep() : null };
	const key = JSON.stringify([is_all, services, filter]);
	if (key === openLog.key || services[0] == null) return;
	log.clear();
	openLog.key = key;
	const is_whole = !is_all && filter.level == null && filter.grep == null;
	const store = is_whole ? new LineStore(page.token, services[0]) : new ListStore(page.token, services, filter);
	log.names = is_all;
	$("log").ariaLabel = is_all ? "All logs" : `Log of ${services[0]}`;
	log.show(store);
	attempt(() => store.refresh().then(want));
}

/** Goes to the next or previous line, first to the newest. `what` names one. */
function goTo(lines, by, what) {
	const rows = log.store.numbersOf(lines).filter((number) => number != null);
	if (rows.length === 0) return write($("found"), `no ${what}`);
	const here = log.follow ? Infinity : (log.current ?? log.inSight()[0]);
	let at = by > 0 ? rows.findIndex((number) => number > here) : rows.findLastIndex((number) => number < here);
	const from = at < 0 && !log.follow ? `, continuing from the ${by > 0 ? "top" : "end"}` : "";
	if (at < 0) at = from && by > 0 ? 0 : rows.length - 1;
	log.goTo(rows[at]);
	write($("found"), `${what} ${at + 1} of ${rows.length}${from}`);
}

/** Lines of the open log. */
const find = (keys) => readLines(page.token, { service: page.view === "log" ? page.selected : null, ...keys });

async function goToMatch(by) {
	const lines = page.text ? await find({ grep: grep(), last: 5000 }) : [];
	log.hits = new Set(lines.map(keyOf));
	if (page.text) goTo(lines, by, "match");
}

async function goToError(by) {
	const lines = await find({ level: "error", last: 1000 });
	const above = (line, at) => (lines[at - 1]?.line === line.line - 1 ? lines[at - 1] : null);
	goTo(lines.filter((line, at) => beginsError(line, above(line, at))), by, "error");
}

async function goToRun(by) {
	goTo((await find({ grep: "^── (re)?started ", last: 1000 })).filter((line) => line.marker), by, "run");
}

function search(text) {
	page.text = $("search").value = text;
	page.only &&= text !== "";
	write($("found"), "");
	if ($("search").matches(":focus")) $("log").focus();
	set();
	return goToMatch(1);
}

/** Copies what is selected, else the current error with its trace, else what is in sight. */
async function copy() {
	const { store, current } = log;
	let [from, until] = log.inSight();
	if (isError(store.peek(current))) {
		from = until = current;
		while (isError(store.peek(until + 1)) && !beginsError(store.peek(until + 1), store.peek(until))) until += 1;
	}
	const text = log.isSelected() ? String(document.getSelection()) : log.textOf(from, until);
	await put(text, count(text.split("\n").length, "line"));
}

async function put(text, what) {
	await navigator.clipboard.writeText(text);
	tell(`copied ${what}`, true);
}

function type() {
	$("send").hidden = false;
	write($("send-label"), `Type into ${page.selected}`);
	$("text").focus();
}

function onKey(event) {
	const { target, ctrlKey, metaKey, altKey } = event;
	const key = (ctrlKey ? "Ctrl-" : "") + ({ ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", " ": "Space" }[event.key] ?? event.key);
	const has_keys = target.matches("input, select") || $("help").open;
	if (key === "Enter" && target === $("letters")) {
		choose(names()[0]);
		$("log").focus();
	}
	if (metaKey || altKey || page.token == null || (has_keys && key !== "Esc")) return;
	if (target.matches("button, a") && ["Enter", "Space"].includes(key)) return;
	const name = key === "p" && isPaused() ? "resume" : byKey.get(key);
	const number = names()[key - 1];
	if (number != null) choose(number);
	else if (page.view === "watcher" && name === "stop") watcher.toggle();
	else if ($("orders").hidden && BARS.orders.includes(name)) return;
	else if ($("tools").hidden && ofLog.includes(name)) return;
	else if (name != null) run(name);
	else return;
	event.preventDefault();
}

async function logIn(text) {
	const code = /login=([^&\s]+)/.exec(text)?.[1] ?? text.trim();
	try {
		const { token } = await askFor(null, "session", { body: { code } });
		say("login", { token });
		sessionStorage.token = token;
	} catch (problem) {
		write($("login-problem"), problem.message);
	}
}

async function begin() {
	const { hash } = location;
	history.replaceState(null, "", "/");
	for (const [id, bar] of Object.entries(BARS)) {
		for (const name of bar) {
			const [key] = ACTIONS[name][0].split(" ");
			const button = el("button", { type: "button", onclick: () => run(name) }, capital(name));
			if (key) button.append(" ", el("kbd", { ariaHidden: "true" }, key));
			if (key) button.setAttribute("aria-keyshortcuts", key.replace(/^[A-Z]$/, "Shift+$&"));
			buttons.set(name, button);
			$(id).append(button);
		}
	}
	for (const [name, [keys]] of Object.entries(ACTIONS)) {
		if (keys) $("keys").append(el("div", {}, el("dt", {}, keys), el("dd", {}, name)));
	}
	if (hash.includes("login=")) await logIn(hash);
	say("hello", { token: sessionStorage.token, visible: !document.hidden });
	set();
}

function onSubmit(id, does) {
	$(id).addEventListener("submit", (event) => {
		event.preventDefault();
		attempt(does);
	});
}
onSubmit("login-form", () => logIn($("code").value));
onSubmit("send", async () => {
	await call(`services/${encodeURIComponent(page.selected)}/send`, { body: { text: $("text").value } });
	$("text").value = "";
});
$("search").addEventListener("change", () => attempt(() => search($("search").value)));
$("letters").addEventListener("input", () => soon((page.letters = $("letters").value)));
$("level").addEventListener("change", () => soon((page.level = $("level").value)));
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
	say("visible", { visible: !document.hidden });
	if (!document.hidden) heard.behind();
});
addEventListener("hashchange", () => location.reload());
addEventListener("pagehide", () => say("bye"));
setInterval(() => document.hidden || (page.view === "watcher" ? soon : draw)(), 1000);
begin();
