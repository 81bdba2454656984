// A browser, as a test drives it: a line of JSON for each order, a line of JSON for each answer.
//
// Arguments: the folder with the modules, and the program of the browser.

import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, program] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Between two looks at what is waited for. */
const TICK_MS = 10;

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
const contexts = [];
const pages = [];
const servers = new Map();
const sockets = new Map();
const streams = new Map();

/** Notes what a page is not to have: what its policy forbids, errors, and tasks that hold it up. */
function note() {
    window.noted = { reports: [], long: [] };
    document.addEventListener("securitypolicyviolation", (event) => {
        window.noted.reports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
    const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.noted.long.push(Math.round(entry.duration));
    });
    observer.observe({ entryTypes: ["longtask"] });
}

/** What an expression is in a page. It is no script of the page: the page's policy has nothing to say to it. */
async function evaluate({ cdp }, expression) {
    const asked = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", asked);
    if (exceptionDetails != null) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
}

async function wait(page, expression, milliseconds) {
    const until = Date.now() + milliseconds;
    for (;;) {
        let value = null;
        try {
            value = await evaluate(page, expression);
            if (value) return value;
        } catch (error) {
            // The page may be on its way to another.
            value = String(error);
        }
        if (Date.now() > until) throw new Error(`it is ${value}; the page says:\n${await evaluate(page, "document.body.innerText")}`);
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
}

/** A server on a free port that hands on to a group: what is between the two can be cut. */
function relay(port) {
    const server = http.createServer((request, response) => {
        const ours = `127.0.0.1:${server.address().port}`;
        const theirs = `127.0.0.1:${port}`;
        const headers = { ...request.headers, host: theirs };
        if (headers.origin != null) headers.origin = headers.origin.replace(ours, theirs);
        const is_stream = request.url.startsWith("/api/v1/stream");
        const onward = http.request({ host: "127.0.0.1", port, path: request.url, method: request.method, headers }, (answer) => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        if (is_stream) streams.set(request, server);
        response.on("close", () => {
            streams.delete(request);
            onward.destroy();
        });
        onward.on("error", () => response.destroy());
        request.pipe(onward);
    });
    return server;
}

async function listen(server, port) {
    await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    const number = server.address().port;
    servers.set(number, server);
    sockets.set(number, sockets.get(number) ?? new Set());
    if (server.listenerCount("connection") < 2) {
        server.on("connection", (socket) => {
            sockets.get(number).add(socket);
            socket.on("close", () => sockets.get(number).delete(socket));
        });
    }
    return number;
}

const ORDERS = {
    async context({ dark, width, height }) {
        const colorScheme = dark ? "dark" : "light";
        const options = { colorScheme, reducedMotion: "reduce", viewport: { width, height }, permissions: ["clipboard-read", "clipboard-write"] };
        const context = await browser.newContext(options);
        await context.addInitScript(note);
        return contexts.push(context) - 1;
    },
    async page({ context, url }) {
        const page = await contexts[context].newPage();
        const errors = [];
        page.on("pageerror", (error) => errors.push(String(error)));
        const cdp = await contexts[context].newCDPSession(page);
        const number = pages.push({ page, cdp, errors }) - 1;
        await page.goto(url);
        return number;
    },
    goto: ({ page, url }) => pages[page].page.goto(url).then(() => null),
    reload: ({ page }) => pages[page].page.reload().then(() => null),
    close: ({ page }) => pages[page].page.close(),
    frames: ({ page }) => {
        const frames = pages[page].page.frames().slice(1);
        return Promise.all(frames.map(async (frame) => `${frame.url()} ${await frame.content()}`));
    },
    size: ({ page, width, height }) => pages[page].page.setViewportSize({ width, height }),
    evaluate: ({ page, script }) => evaluate(pages[page], script),
    wait: ({ page, script, milliseconds }) => wait(pages[page], script, milliseconds),
    press: ({ page, key }) => pages[page].page.keyboard.press(key),
    write: ({ page, text }) => pages[page].page.keyboard.type(text),
    click: ({ page, selector }) => pages[page].page.click(selector),
    /** What a page should not have noted. */
    async noted({ page }) {
        return { ...(await evaluate(pages[page], "window.noted")), errors: pages[page].errors };
    },
    async axe({ page }) {
        if (!(await evaluate(pages[page], "window.axe != null"))) await evaluate(pages[page], `${axe}\n;null`);
        const { violations } = await evaluate(pages[page], "axe.run(document)");
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((one) => `${one.target} ${one.failureSummary}`).join("; ")}`);
    },
    picture: ({ page, path }) => pages[page].page.screenshot({ path }).then(() => null),
    /** Bytes that a page holds, after what it does not need is gone. */
    async memory({ page }) {
        await pages[page].cdp.send("HeapProfiler.collectGarbage");
        const { usedSize } = await pages[page].cdp.send("Runtime.getHeapUsage");
        return usedSize;
    },
    relay: ({ port }) => listen(relay(port), 0),
    serve({ html }) {
        const answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html);
        return listen(http.createServer(answer), 0);
    },
    /** Ends all connections, and takes no new ones. */
    async cut({ port }) {
        const server = servers.get(port);
        const closed = new Promise((resolve) => server.close(resolve));
        for (const socket of sockets.get(port)) socket.destroy();
        await closed;
        return null;
    },
    join: ({ port }) => listen(servers.get(port), port),
    /** How many streams go through a relay. */
    streams: ({ port }) => [...streams.values()].filter((server) => server === servers.get(port)).length,
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
// The test is over.
process.stdout.on("error", () => process.exit(1));
say({ id: 0, value: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...order } = JSON.parse(line);
    try {
        say({ id, value: (await ORDERS[order.do](order)) ?? null });
    } catch (error) {
        say({ id, error: String(error) });
    }
}
await browser.close();
process.exit(0);
