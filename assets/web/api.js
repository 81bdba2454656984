// The calls of the API. The page and its worker use the same ones.

/** What an error object of the API says. */
export class Problem extends Error {
	constructor(status, { message = `the group answered ${status}`, help } = {}) {
		super(help ? `${message} · ${help}` : message);
		this.status = status;
	}
}

/** Asks; the answer is there when its head is. */
export async function ask(token, path, { body, signal } = {}) {
	const headers = token == null ? {} : { authorization: `Bearer ${token}` };
	const options = { headers, signal, credentials: "omit" };
	if (body !== undefined) {
		headers["content-type"] = "application/json";
		Object.assign(options, { method: "POST", body: JSON.stringify(body) });
	}
	const response = await fetch(`/api/v1/${path}`, options);
	if (response.ok) return response;
	const told = await response.json().catch(() => ({}));
	throw new Problem(response.status, told.error);
}

export const askFor = async (token, path, options) => (await ask(token, path, options)).json();

/** A path with its query; an array is a key several times, and what is null is left out. */
export function query(path, keys) {
	const search = new URLSearchParams();
	for (const [key, value] of Object.entries(keys)) {
		for (const one of [value].flat()) if (one != null && one !== "") search.append(key, one);
	}
	return `${path}?${search}`;
}

/** The objects of an answer in JSON Lines, as they come. */
export async function* batches(response) {
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			const texts = (rest + value).split("\n");
			rest = texts.pop();
			if (texts.length > 0) yield texts.filter(Boolean).map((text) => JSON.parse(text));
		}
	} finally {
		// Who has enough ends the request.
		reader.cancel().catch(() => {});
	}
}
