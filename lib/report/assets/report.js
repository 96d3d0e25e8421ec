// SPDX-License-Identifier: Apache-2.0
// The page: figures, charts, the table of groups, the map.
"use strict";
(() => {
	const { h, count, percent, day, plural, data, unit, places } = whorl;
	const { summary, groups } = data, noun = summary.group_noun, PAGE = 50;
	const at = (id) => document.getElementById(id);
	const capital = (word) => word[0].toUpperCase() + word.slice(1);

	const figure = (label, value, hint, dot) => h("div", { class: "card figure" }, h("div", { class: "label" }, dot && h("span", { class: `dot ${dot}` }), label),
		h("div", { class: value.length > 12 ? "value text" : "value" }, value), h("div", { class: "hint" }, hint));

	const head = () => {
		const source = summary.source || "report";
		document.title = `${source} · whorl`;
		at("heading").replaceChildren(`${capital(noun)}s `, h("span", {}, `of ${source}`));
		at("about").textContent = places ? summary.method : `${summary.method}, similarity ≥ ${(1 - summary.d).toFixed(2)}`;
		const days = summary.first ? Math.max(1, Math.round((Date.parse(summary.last) - Date.parse(summary.first)) / 864e5)) : 0;
		at("figures").append(...[
			figure(`${capital(unit)}s`, count(summary.observations), `${count(summary.distinct)} distinct`),
			figure(`${capital(noun)}s`, count(summary.groups), `${(summary.observations / Math.max(1, summary.groups)).toFixed(1)} ${unit}s each, on average`),
			figure(`Hold 80 % of ${unit}s`, plural(summary.groups_of_80_percent, noun), `the other ${percent(summary.share_of_groups_in_last_20_percent)} hold 20 %`),
			figure("One-hit wonders", count(summary.one_hit_wonders), `${percent(summary.one_hit_wonders_share_of_groups)} of ${noun}s, ${percent(summary.one_hit_wonders_share_of_observations)} of ${unit}s`, "once"),
			!places && figure(`Second ${noun}s`, count(summary.second_groups), `${percent(summary.second_groups_share_of_groups)} of ${noun}s, ${percent(summary.second_groups_share_of_observations)} of ${unit}s`, "second"),
			...(summary.first ? [figure("Period", plural(days, "day"), [h("span", {}, day(summary.first)), " – ", h("span", {}, day(summary.last))])] : [])].filter(Boolean));
		const draw = () => {
			const room = (figure) => Math.max(260, figure.clientWidth - 36);
			if (summary.trend) {
				at("trend").hidden = false;
				at("trend").replaceChildren(h("figcaption", {}, h("h2", {}, `${capital(unit)}s over time`), h("span", {}, `sixteen parts of ${plural(days, "day")}`)),
					whorl.bars(summary.trend, summary.first, summary.last, room(at("trend"))));
			}
			at("curve").replaceChildren(h("figcaption", {}, h("h2", {}, `Hits per ${noun}`), h("span", {}, `share of all ${unit}s in the largest ${noun}s`)),
				whorl.curve(summary, room(at("curve"))));
		};
		draw();
		addEventListener("resize", () => requestAnimationFrame(draw));
		at("foot").textContent = `${plural(summary.skipped, "record")} could not be read.${places ? "" : ` A second ${noun} has similarity of at least ${summary.suspect_floor.toFixed(2)} to a larger one.`} Keys: / searches, ← and → walk through ${noun}s.`;
	};

	// ---- the table ----
	const state = { words: "", kind: "all", attribute: {}, sort: "observations", down: true, page: 0 };
	const text = groups.map((g) => [g.group, g.title, g.label, g.note, g.app, g.platform, g.reason, g.versions, g.crash_type,
		...(g.attributes || []).flatMap((a) => a.values.map((v) => v.value))].filter(Boolean).join("\n").toLowerCase());
	const kinds = [["all", "All", () => true], ["new", "New", (g) => g.is_new], ["once", "One-hit", (g) => g.observations === 1],
		["second", `Second ${noun}s`, (g) => g.second_of], ["label", "Labelled", (g) => g.label]].filter(([key, , test]) => key === "all" || groups.some(test));
	const columns = [
		["title", capital(noun), "title"], ["observations", `${capital(unit)}s`, "right"], ["growth", "Trend", "hide-s"],
		["first", "First", "hide-m"], ["last", "Last", "hide-m"], ["distinct", "Distinct", "right hide-m"],
	].filter(([key]) => groups.some((g) => g[key] !== undefined));
	const body = h("tbody"), counter = h("span", { class: "count", "aria-live": "polite" }), pager = h("div", { class: "pager" }), heads = {};
	const empty = h("div", { class: "empty", hidden: true }, `No ${noun} matches.`);

	const values = (name) => {
		const sums = new Map();
		for (const group of groups)
			for (const attribute of group.attributes || [])
				if (attribute.name === name) for (const v of attribute.values) sums.set(v.value, (sums.get(v.value) || 0) + v.observations);
		return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 40);
	};
	const has = (group, name, value) => (group.attributes || []).some((a) => a.name === name && a.values.some((v) => v.value === value));

	const matching = () => {
		const words = state.words.toLowerCase().split(/\s+/).filter(Boolean), test = kinds.find(([key]) => key === state.kind)[2];
		const wanted = Object.entries(state.attribute).filter(([, value]) => value), list = [];
		groups.forEach((group, i) => {
			if (test(group) && words.every((w) => text[i].includes(w)) && wanted.every(([name, value]) => has(group, name, value))) list.push(i);
		});
		const key = state.sort, sign = state.down ? -1 : 1;
		return list.sort((a, b) => {
			const x = groups[a][key], y = groups[b][key];
			return x === y ? a - b : x === undefined ? 1 : y === undefined ? -1 : (x < y ? -1 : 1) * sign;
		});
	};

	const most = Math.max(1, ...groups.slice(0, 1).map((g) => g.observations));
	const titleWords = (title) => title.split(" < ").flatMap((part, i) => (i ? [h("i", {}, " ‹ "), part] : [part]));
	const cells = {
		title: (g) => h("td", { class: "title" }, h("button", { class: "open", type: "button", title: g.title }, titleWords(g.title)),
			h("div", { class: "sub" }, whorl.badges(g), h("span", { class: "mono" }, g.group), [g.app, g.reason, g.versions].filter(Boolean).join(" · "))),
		observations: (g) => h("td", { class: "right nowrap" }, h("div", { class: "share", title: percent(g.share) }, count(g.observations), whorl.track(g.observations / most))),
		growth: (g) => h("td", { class: "hide-s" }, g.trend && whorl.sparkline(g.trend, summary.scale)),
		first: (g) => h("td", { class: "hide-m nowrap num muted" }, day(g.first)),
		last: (g) => h("td", { class: "hide-m nowrap num muted" }, day(g.last)),
		distinct: (g) => h("td", { class: "right hide-m num muted" }, count(g.distinct)),
	};

	const turn = (by) => { state.page += by; show(); at("groups").scrollIntoView({ block: "start" }); };
	const show = () => {
		const list = matching(), pages = Math.max(1, Math.ceil(list.length / PAGE));
		state.page = Math.max(0, Math.min(state.page, pages - 1));
		whorl.order(list);
		body.replaceChildren(...list.slice(state.page * PAGE, (state.page + 1) * PAGE).map((i) =>
			h("tr", { onclick: () => whorl.open(groups[i].group) }, columns.map(([key]) => cells[key](groups[i])))));
		counter.textContent = list.length === groups.length ? plural(list.length, noun) : `${count(list.length)} of ${plural(groups.length, noun)}`;
		empty.hidden = list.length > 0;
		pager.hidden = pages < 2;
		pager.replaceChildren(h("button", { class: "plain", type: "button", disabled: state.page === 0, onclick: () => turn(-1) }, "Previous"),
			h("span", { class: "num" }, `${count(state.page + 1)} / ${count(pages)}`),
			h("button", { class: "plain", type: "button", disabled: state.page + 1 === pages, onclick: () => turn(1) }, "Next"));
		for (const [key] of columns)
			if (key === state.sort) heads[key].setAttribute("aria-sort", state.down ? "descending" : "ascending");
			else heads[key].removeAttribute("aria-sort");
	};

	const table = () => {
		const search = h("input", { class: "search", type: "search", placeholder: `Search ${noun}s  /`, "aria-label": `Search ${noun}s`,
			oninput: () => { state.words = search.value; state.page = 0; show(); } });
		const chips = h("div", { class: "chips", role: "group", "aria-label": "Kind" }, kinds.map(([key, label]) => h("button", { type: "button", "aria-pressed": String(key === state.kind),
			onclick: (event) => {
				state.kind = key;
				state.page = 0;
				for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip === event.currentTarget));
				show();
			} }, label)));
		const selects = ["app", "platform", "reason"].map((name) => [name, values(name)]).filter(([, list]) => list.length > 1).map(([name, list]) =>
			h("select", { "aria-label": name, onchange: (event) => { state.attribute[name] = event.currentTarget.value; state.page = 0; show(); } },
				h("option", { value: "" }, `${name}: any`), list.map(([value]) => h("option", { value }, value))));
		const sortBy = (key) => { state.down = state.sort === key ? !state.down : key !== "title"; state.sort = key; state.page = 0; show(); };
		for (const [key, label, style] of columns)
			heads[key] = h("th", { scope: "col", class: style }, h("button", { type: "button", onclick: () => sortBy(key) }, label));
		at("groups").append(h("div", { class: "tools" }, h("h2", {}, `${capital(noun)}s`), search, chips, selects, counter),
			h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, columns.map(([key]) => heads[key]))), body)), empty, pager);
		document.addEventListener("keydown", (event) => {
			if (event.key !== "/" || at("sheet").open || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
			event.preventDefault();
			search.focus();
		});
		show();
	};

	const map = () => {
		if (data.tree.leaves.length < 3) return;
		at("map").hidden = false;
		at("map").append(h("figcaption", {}, h("h2", {}, `How the largest ${noun}s are related`),
			h("span", {}, `${data.tree.leaves.length} ${noun}s by the similarity of their representatives; mean linkage`)),
		whorl.dendrogram(data.tree, groups, summary.d, (g) => whorl.open(groups[g].group)));
	};

	const plots = () => {
		const figures = ["map", "choice"].map((name) => whorl.plot(name)).filter(Boolean).map((svg) => h("figure", { class: "card" }, svg));
		at("plots").hidden = !figures.length;
		at("plots").append(...figures);
	};

	head();
	plots();
	table();
	map();
	if (location.hash.length > 1) whorl.open(location.hash.slice(1));
	document.documentElement.setAttribute("data-ready", "yes");
})();
