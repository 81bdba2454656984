// States, times and sizes in words and glyphs, as on the dashboard.

/** Each state's glyph and tone, in the order of the header. */
const LOOKS = {
	running: ["●", "good"], ready: ["●", "good"], starting: ["◐", "busy"], stopping: ["◐", "busy"],
	retrying: ["✗", "bad"], "crash-loop": ["✗", "bad"], failed: ["✗", "bad"], unhealthy: ["◆", "bad"], lost: ["◆", "bad"],
	waiting: ["◌", "busy"], queued: ["◌", "busy"], standby: ["◆", "plain"], remote: ["◆", "plain"], blocked: ["◌", "bad"],
	done: ["✓", "good"], scheduled: ["◌", "plain"], stopped: ["○", "plain"], suspended: ["○", "plain"],
};

/** How a service is told: glyph, tone, and its state in words. */
export function look(service, now = Date.now()) {
	const { state, reason, last_exit: exit, worker } = service;
	let [glyph, tone] = LOOKS[state] ?? ["○", "plain"];
	let [word, detail] = [state, ""];
	const is_up = state === "running" || state === "ready";
	const failed = exit != null && (exit.code !== 0 || exit.fault != null);
	if (state === "retrying" && !failed) [glyph, tone] = ["◐", "busy"];
	if (state === "scheduled" && failed) [glyph, tone] = ["✗", "bad"];
	if (["retrying", "failed", "scheduled"].includes(state) && tone === "bad") detail = exit ? exitWords(exit) : reason;
	if (state === "waiting" || state === "blocked") detail = reason?.replace(/^(waiting|blocked:) /, "");
	if (glyph === "◆") detail = worker?.problem ?? reason;
	if (is_up && service.kind === "worker") [glyph, tone] = ["◆", worker?.breaker === "open" ? "busy" : "good"];
	if (is_up && service.stale) [tone, detail] = ["busy", "stale"];
	if (is_up && service.elsewhere != null) [glyph, tone, word] = ["◐", "busy", "elsewhere"];
	if (service.validating) detail = "validating";
	const times = { "retry in": service.next_try_at, "restart in": service.next_restart_at, "next run in": service.next_run_at };
	const [what, at] = Object.entries(times).find(([, at]) => at != null) ?? [];
	const next = what && `${what} ${approx(Date.parse(at) - now)}`;
	return { glyph, tone, text: [word, detail, next].filter(Boolean).join(" · ") };
}

export const lives = (service) => ["●", "◐", "◆"].includes(look(service).glyph);

const SIGNALS = { 2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM" };

/** `exit 1`, `SIGKILL`, `not ready in 2s`. */
export const exitWords = ({ code, signal, fault }) => fault ?? (code == null ? (SIGNALS[signal] ?? `signal ${signal}`) : `exit ${code}`);

/** `↻7 ✗2 !1`: wanted restarts, crashes, forced restarts. */
export function counts({ restarts: { change, manual, config, dependency, crash, liveness, limit } }) {
	const all = { "↻": change + manual + config + dependency, "✗": crash, "!": liveness + limit };
	return some(all).map(([sign, number]) => sign + number).join(" ");
}

/** The pairs of an object whose number is not 0. */
export const some = (numbers) => Object.entries(numbers).filter(([, number]) => number > 0);

/** Where a rule stands: `procgroup.toml:14`. */
export const place = ({ file, line }) => [file, line].filter(Boolean).join(":");

/** `2/3 · 14 waiting · 1 dead · breaker open`. */
export function workerNotes({ worker }) {
	if (worker == null) return "";
	const { active, concurrency, waiting, dead, breaker, remote, standby } = worker;
	return [
		!remote && !standby && `${active}/${concurrency}`,
		waiting > 0 && `${waiting} waiting`,
		dead > 0 && `${dead} dead`,
		breaker !== "closed" && `breaker ${breaker.replace("_", "-")}`,
	].filter(Boolean).join(" · ");
}

/** How many are in each state. Those that are ready run; `running` is always there. */
export function stateCounts(services) {
	const found = Object.groupBy(services, ({ state }) => (state === "ready" ? "running" : state));
	const tell = ([word, those]) => ({ word, number: those.length, bad: those.some((one) => look(one).tone === "bad") });
	return Object.keys(LOOKS).map((word) => [word, found[word] ?? []]).filter(([word, those]) => those[0] || word === "running").map(tell);
}

/** `1 change`, `2 changes`. */
export const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

/** `12s`, `41m`, `3h`, `2d`. */
export function approx(millis) {
	const seconds = Math.max(0, Math.floor(millis / 1000));
	const [unit, size] = [["d", 86400], ["h", 3600], ["m", 60]].find(([, size]) => seconds >= size) ?? ["s", 1];
	return Math.floor(seconds / size) + unit;
}

export const age = (at, now = Date.now()) => (at == null ? "" : approx(now - Date.parse(at)));

/** A time as the time of day where the browser is. */
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB");

/** `0.3s`, `12s`, `41m`. */
export const took = (millis) => (millis == null ? "" : millis < 10_000 ? `${Math.floor(millis / 100) / 10}s` : approx(millis));

/** `340M`, `1.2G`. */
export function bytes(number) {
	let [size, unit] = [number / 1024, 0];
	for (; size >= 1024 && unit < 3; unit += 1) size /= 1024;
	return (size < 10 && unit > 1 ? Math.floor(size * 10) / 10 : Math.floor(size)) + "KMGT"[unit];
}

/** What the watcher does, and what is checked out. What holds changes back is told by the banner. */
export function watchWords({ watch: { state, backend, ready, problem, git_head }, services }) {
	const some = count(services.filter(({ watches }) => watches).length, "service");
	const watching = ready ? `${backend === "poll" ? "polling" : "watching"} ${some}` : "scanning files";
	const does = { off: "watching off", busy: "busy", watching: `${problem ? "✗ " : ""}${watching}` }[state];
	return [does, git_head].filter(Boolean).join(" · ");
}

/** `WATCHING PAUSED 2m · 14 changes held: api 9, worker 4` */
export function holdWords({ watch, services }, now = Date.now()) {
	const [hold] = watch.holds;
	if (hold == null) return "";
	const names = watch.holds.every((one) => one.services.length > 0) ? watch.holds.flatMap((one) => one.services).join(", ") : "";
	const by = `HELD by ${hold.by === "command" ? "hold: " : ""}${hold.label}`;
	const title = watch.state === "held" ? by : names ? `PAUSED ${names}` : "WATCHING PAUSED";
	const held = services.filter((one) => one.held > 0).map((one) => `${one.name} ${one.held}`).join(", ");
	const changes = watch.held > 0 ? `${count(watch.held, "change")} held${held && `: ${held}`}` : "no changes held";
	return `${title} ${age(hold.since, now)} · ${watch.file_held ? "procgroup.toml, " : ""}${changes}`;
}

/** A bar for each number. Any but 0 is seen, and only the most fills its place. */
export const bar = (hours) => hours.map((one) => "▁▂▃▄▅▆▇█"[Math.ceil((one * 7) / Math.max(1, ...hours))]).join("");

export const isError = (line) => line?.level === "error" || line?.level === "fatal";

/** The line begins an error; `before` is the line above. What follows is its trace. */
export const beginsError = (line, before) =>
	isError(line) && (!isError(before) || /^\S.{0,120}?\b(error|fatal|panic|panicked|exception|traceback)\b/i.test(line.text));

/** The last runs of a service, newest first. */
export function runs(events, name) {
	const found = new Map();
	for (const { service, run, type, at, message, ready_ms, uptime_ms } of events) {
		if (service !== name || run == null) continue;
		const news = { start: { at, why: message }, ready: { ready_ms }, exit: { ended: message, up_ms: uptime_ms } };
		found.set(run, { ...found.get(run), run, ...news[type === "restart" ? "start" : type] });
	}
	return [...found.values()].reverse().slice(0, 10);
}
