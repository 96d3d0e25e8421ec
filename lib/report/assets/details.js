// SPDX-License-Identifier: Apache-2.0
// The sheet that says all about one group.
"use strict";
(() => {
	const { h, count, percent, day, plural, track, data, unit } = whorl;
	const { summary, groups } = data, noun = summary.group_noun, feature = summary.feature_noun, FRAMES = 14;
	const sheet = document.getElementById("sheet");
	const section = (title, hint, ...content) => h("section", {}, h("h3", {}, title, hint && h("span", {}, hint)), ...content);

	whorl.badges = (group) => {
		const list = [];
		if (group.is_new) list.push(h("span", { class: "badge new" }, "new"));
		if (group.second_of)
			list.push(h("span", { class: "badge second", title: `similarity ${group.second_similarity.toFixed(2)}` }, `second ${noun}`));
		else if (group.suspect) list.push(h("span", { class: "badge once" }, "one-hit wonder"));
		if (group.label) list.push(h("span", { class: "badge label", title: group.label }, group.label));
		return list;
	};

	const stats = (group) => h("dl", { class: "stats" }, [
		[`${unit[0].toUpperCase()}${unit.slice(1)}s`, count(group.observations)], ["Share", percent(group.share)], ["Distinct", count(group.distinct)],
		["First seen", day(group.first)], ["Last seen", day(group.last)],
	].filter((pair) => pair[1]).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

	const place = (frame) => {
		const file = frame.file && frame.file + (frame.line ? ":" + frame.line : "");
		return [file, frame.module && frame.module.split("/").pop() + (frame.module_version ? " " + frame.module_version : "")].filter(Boolean).join(" · ");
	};

	const frameList = (group) => {
		const most = Math.max(...group.frames.map((f) => f.weight || 0), 1e-9), n = group.frames.length;
		const shown = n > FRAMES + 4 ? FRAMES : n, list = h("ol", { class: "frames" }, frameRows(group, most, 0, shown));
		const rest = group.frames_left_out && h("li", { class: "more" }, `… ${plural(group.frames_left_out, "more " + feature)}`);
		const more = h("li", { class: "more" }, h("button", { type: "button", onclick: () => {
			more.replaceWith(...frameRows(group, most, shown, n), ...(rest ? [rest] : []));
		} }, `Show all ${plural(n + (group.frames_left_out || 0), feature)}`));
		if (shown < n) list.append(more);
		else if (rest) list.append(rest);
		return section("Representative", group.frames.some((f) => f.weight !== undefined) ? `${group.example} — bars: what each ${feature} adds to the likeness of the ${noun}` : group.example, list);
	};
	const frameRows = (group, most, from, to) => group.frames.slice(from, to).map((frame, k) => h("li", {},
		h("span", { class: "n" }, from + k),
		h("div", {}, h("div", { class: frame.name.startsWith("?") ? "name unknown" : "name" }, frame.name),
			place(frame) && h("div", { class: "where", title: frame.module }, place(frame))),
		frame.weight === undefined ? h("span") : track(frame.weight / most)));

	const facts = (group) => group.apart.length > 0 && section("What sets it apart", "effect, and the chance of seeing as much by accident",
		h("ul", { class: "facts" }, group.apart.map((fact) => h("li", { class: fact.p_value > 0.05 ? "weak" : null },
			track(fact.effect), h("span", { class: "words" }, fact.sentence, fact.top3 !== undefined && h("span", { class: "muted" }, ` · in the top 3 of ${percent(fact.top3)}`)),
			h("span", { class: "p" }, `${fact.effect.toFixed(2)}, ${whorl.probability(fact.p_value)}`)))));

	const where = (group) => group.attributes.length > 0 && section("Where", null, h("div", { class: "split" }, group.attributes.map((attribute) => h("div", {},
		h("h4", {}, attribute.name.replace("_", " ")),
		attribute.values.slice(0, 6).map((value) => {
			const row = h("div", { class: "row", title: value.value }, h("span", {}, value.value), h("span", {}, percent(value.observations / group.observations)));
			row.style.setProperty("--w", `${(100 * value.observations) / group.observations}%`);
			return row;
		}),
		attribute.distinct > 6 && h("div", { class: "note" }, `${attribute.distinct - 6} more`)))));

	const diff = (group, variant) => h("table", { class: "diff" },
		h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `representative`), h("th", { scope: "col", title: variant.example }, variant.example))),
		h("tbody", {}, variant.alignment.map((row) => h("tr", {},
			h("td", { class: row.b === undefined ? "gone" : null }, row.a === undefined ? "" : row.a),
			h("td", { class: row.a === undefined ? "came" : null }, row.b === undefined ? "" : row.b))),
		variant.rows_left_out && h("tr", {}, h("td", { colspan: 2 }, `… ${variant.rows_left_out} more lines`))));

	const variants = (group) => {
		if (!group.variants.some((variant) => variant.alignment.length)) return false;
		const box = h("div", {}), tabs = h("div", { class: "tabs" });
		const choose = (i) => {
			[...tabs.children].forEach((tab, k) => tab.setAttribute("aria-pressed", String(k === i)));
			box.replaceChildren(diff(group, group.variants[i]));
		};
		group.variants.forEach((variant, i) => tabs.append(h("button", { type: "button", onclick: () => choose(i) },
			`${count(variant.observations)}× · ${variant.similarity.toFixed(2)}`)));
		choose(0);
		const hidden = group.distinct - 1 - group.variants.length;
		return section("Other faces", `how often, and how similar to the representative${hidden > 0 ? `; ${hidden} more are not shown` : ""}`, tabs, box);
	};

	const nearest = (group) => group.nearest.length > 0 && section(`Nearest ${noun}s`, whorl.places ? null : `cut ${(1 - summary.d).toFixed(2)}`,
		h("ul", { class: "near" }, group.nearest.map((near) => h("li", {}, h("button", { type: "button", onclick: () => whorl.open(near.group) },
			track(near.similarity), h("span", { class: "num" }, near.similarity.toFixed(2)), h("span", { class: "mono", title: near.title }, near.title),
			h("span", { class: "muted num" }, count(near.observations)))))));

	const ids = (group) => {
		const copy = h("button", { type: "button", class: "plain", onclick: () => {
			navigator.clipboard.writeText(group.ids.join("\n")).then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Not allowed"; });
		} }, "Copy");
		return section(`${unit[0].toUpperCase()}${unit.slice(1)}s`, group.ids.length < group.observations ? `the newest ${group.ids.length} of ${count(group.observations)}` : plural(group.observations, unit),
			h("div", { class: "ids" }, group.ids.map((id) => h("span", {}, id))), h("p", { class: "tabs" }), copy);
	};

	const moved = (group) => group.moved && section("Which moved first", "order in time; what comes first need not be the cause",
		h("ol", { class: "moved" }, group.moved.map((mover) => h("li", {}, mover.sentence))));

	const exemplar = (i) => {
		const svg = whorl.plot(`exemplar-${i}`);
		return svg && section("Exemplar", null, h("div", { class: "exemplar" }, svg));
	};

	const number = new Map(groups.map((group, i) => [group.group, i]));
	let current = -1, order = [];

	const draw = (i) => {
		const group = groups[i], at = order.indexOf(i);
		const step = (by, label, key) => h("button", { type: "button", class: "plain", title: `${label} (${key})`, "aria-label": label,
			disabled: at < 0 || !(at + by in order), onclick: () => whorl.open(groups[order[at + by]].group) }, key);
		sheet.replaceChildren(
			h("div", { class: "sheet-top" }, h("span", { class: "mono" }, group.group), step(-1, `Previous ${noun}`, "←"), step(1, `Next ${noun}`, "→"),
				h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => sheet.close() }, "Close")),
			h("div", { class: "sheet-body" },
				h("div", {}, h("h2", { class: "sheet-title", id: "sheet-title", tabindex: -1, autofocus: true }, group.title), h("div", { class: "badges" }, whorl.badges(group),
					group.crash_type && h("span", { class: "muted" }, group.crash_type))),
				group.note && h("p", { class: "quote" }, group.note),
				stats(group),
				group.second_of && h("p", { class: "note" }, `Similarity ${group.second_similarity.toFixed(2)} to the larger ${noun} `,
					h("button", { type: "button", class: "plain mono", onclick: () => whorl.open(group.second_of) }, group.second_of)),
				group.trend && section("Over time", null, whorl.bars(group.trend, summary.first, summary.last, Math.min(860, document.documentElement.clientWidth) - (document.documentElement.clientWidth > 640 ? 48 : 24), 120)),
				exemplar(i), moved(group),
				group.frames ? [...(whorl.places ? [facts(group), frameList(group)] : [frameList(group), facts(group)]), where(group), variants(group), nearest(group), ids(group)]
					: [where(group), h("p", { class: "note" }, `This page has details of the ${count(summary.detailed)} largest ${noun}s only; --details N asks for more.`)]));
		sheet.scrollTop = 0;
	};

	// Opens a group by its id; the address names it, so that a link or the back button finds it again.
	whorl.open = (id) => {
		const i = number.get(id);
		if (i === undefined) return;
		current = i;
		draw(i);
		if (!sheet.open) sheet.showModal();
		if (location.hash !== "#" + id) history.replaceState(null, "", "#" + id);
	};
	whorl.order = (list) => { order = list; };
	sheet.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
	sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
	sheet.addEventListener("keydown", (event) => {
		const at = order.indexOf(current), by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
		if (by && at >= 0 && at + by in order) whorl.open(groups[order[at + by]].group);
	});
})();
