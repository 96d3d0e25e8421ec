// SPDX-License-Identifier: Apache-2.0
// Drawings, all SVG.
"use strict";
(() => {
	const { s, h, count, percent, day } = whorl;

	// The times between which slot i lies, as days.
	const slotDays = (i, n, first, last) => {
		const from = Date.parse(first), to = Date.parse(last);
		const at = (k) => new Date(from + ((to - from) * k) / n).toISOString().slice(0, 10);
		return at(i) === at(i + 1) ? at(i) : `${at(i)} to ${at(i + 1)}`;
	};

	// One scale for all: square roots, so that small groups are seen beside large ones.
	whorl.sparkline = (trend, scale, width = 112, height = 24) => {
		const step = width / trend.length, bars = [];
		trend.forEach((n, i) => {
			const tall = n ? Math.max(2, Math.sqrt(n / scale) * height) : 0;
			if (n) bars.push(`M${(i * step).toFixed(1)} ${height}v${-tall.toFixed(1)}h${(step - 1.5).toFixed(1)}V${height}z`);
		});
		const words = `Over time: ${trend.join(", ")}`;
		return s("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
			s("path", { d: `M0 ${height - 0.5}h${width}v.5h${-width}z`, opacity: 0.35 }), s("path", { d: bars.join("") }), s("title", {}, words));
	};

	// Round numbers up to at least `most`.
	const ticks = (most) => {
		const raw = Math.max(1, most / 3), power = 10 ** Math.floor(Math.log10(raw));
		const step = Math.max(1, [1, 2, 5, 10].find((m) => m * power >= raw) * power), list = [];
		for (let t = 0; t < most + step; t += step) list.push(t);
		return list;
	};

	whorl.bars = (trend, first, last, width, height = 190) => {
		const left = 38, bottom = 22, top = 8;
		const marks = ticks(Math.max(...trend)), most = marks[marks.length - 1], step = (width - left) / trend.length;
		const y = (v) => top + (height - top - bottom) * (1 - v / most);
		const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Over time: ${trend.join(", ")}` });
		for (const t of marks)
			svg.append(s("line", { class: "grid", x1: left, x2: width, y1: y(t), y2: y(t) }),
				s("text", { x: left - 8, y: y(t) + 4, "text-anchor": "end" }, count(t)));
		trend.forEach((n, i) => svg.append(s("g", { class: "bars" },
			s("rect", { x: left + i * step + 2, width: step - 4, y: y(n), height: height - bottom - y(n), rx: 3 }),
			s("rect", { x: left + i * step, width: step, y: top, height: height - top - bottom, fill: "transparent" }),
			s("title", {}, `${slotDays(i, trend.length, first, last)}: ${count(n)}`))));
		svg.append(s("text", { x: left, y: height - 5 }, day(first)), s("text", { x: width, y: height - 5, "text-anchor": "end" }, day(last)));
		return svg;
	};

	// Which share of the observations the largest groups hold.
	whorl.curve = (summary, width) => {
		const height = 190, left = 44, bottom = 22, top = 8, n = Math.max(2, summary.groups);
		const x = (g) => left + (width - left - 8) * (g / n), y = (v) => top + (height - top - bottom) * (1 - v);
		const points = [[0, 0], ...summary.curve.map((p) => [p.groups, p.observations / summary.observations])];
		const line = points.map(([g, v], i) => `${i ? "L" : "M"}${x(g).toFixed(1)} ${y(v).toFixed(1)}`).join("");
		const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
			"aria-label": `${summary.groups_of_80_percent} of ${summary.groups} ${summary.group_noun}s hold 80 % of the ${whorl.unit}s` });
		for (const t of [0, 0.2, 0.4, 0.6, 0.8, 1])
			svg.append(s("line", { class: "grid", x1: left, x2: width, y1: y(t), y2: y(t) }),
				s("text", { x: left - 8, y: y(t) + 4, "text-anchor": "end" }, `${t * 100} %`));
		const at = summary.groups_of_80_percent, right = at < n * 0.7;
		svg.append(s("path", { class: "area", d: `${line}L${x(points[points.length - 1][0])} ${y(0)}L${x(0)} ${y(0)}z` }),
			s("line", { class: "even", x1: x(0), y1: y(0), x2: x(summary.groups), y2: y(1) }),
			s("path", { class: "curve", d: line }),
			s("line", { class: "even", x1: x(at), x2: x(at), y1: y(0.8), y2: y(0) }),
			s("circle", { class: "mark80", cx: x(at), cy: y(0.8), r: 4.5 }),
			s("text", { class: "strong", x: x(at) + (right ? 10 : -10), y: y(0.8) + 20, "text-anchor": right ? "start" : "end" },
				`${count(at)} ${summary.group_noun}s hold 80 %`),
			s("text", { x: left, y: height - 5 }, "largest"),
			s("text", { x: width - 8, y: height - 5, "text-anchor": "end" }, `all ${count(summary.groups)} ${summary.group_noun}s`));
		return svg;
	};

	// Leaves in an order in which no branches cross.
	const leafOrder = (tree) => {
		const n = tree.leaves.length, order = [], todo = [n + tree.merges.length - 1];
		while (todo.length) {
			const node = todo.pop();
			if (node < n) order.push(node);
			else todo.push(tree.merges[node - n][1], tree.merges[node - n][0]);
		}
		return order;
	};

	whorl.dendrogram = (tree, groups, d, open) => {
		const n = tree.leaves.length, row = 19, top = 20, width = 1240, left = 8, right = 640;
		const height = top + n * row + 24, x = (v) => left + (right - left) * (1 - Math.min(1, v));
		const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Dendrogram" });
		const place = new Array(n + tree.merges.length);
		leafOrder(tree).forEach((leaf, i) => { place[leaf] = { x: x(0), y: top + i * row + row / 2 }; });
		for (const t of [0, 0.25, 0.5, 0.75, 1])
			svg.append(s("line", { class: "grid", x1: x(1 - t), x2: x(1 - t), y1: top, y2: top + n * row }),
				s("text", { x: x(1 - t), y: 12, "text-anchor": t === 0 ? "start" : "middle" }, t.toFixed(2)));
		tree.merges.forEach(([a, b, distance], i) => {
			const p = place[a], q = place[b], at = x(distance);
			place[n + i] = { x: at, y: (p.y + q.y) / 2 };
			svg.append(s("path", { class: !whorl.places && distance <= 1 - (1 - d) / 2 ? "branch near" : "branch", d: `M${p.x} ${p.y}H${at}V${q.y}H${q.x}` },
				s("title", {}, `similarity ${(1 - distance).toFixed(2)}`)));
		});
		if (!whorl.places) svg.append(s("line", { class: "cut", x1: x(d), x2: x(d), y1: top, y2: top + n * row + 6 }),
			s("text", { x: x(d), y: top + n * row + 19, "text-anchor": "middle" }, `cut ${(1 - d).toFixed(2)}`));
		const most = Math.max(...tree.leaves.map((g) => groups[g].observations));
		tree.leaves.forEach((g, leaf) => {
			const group = groups[g], at = place[leaf], size = 2 + 5 * Math.sqrt(group.observations / most);
			const go = () => open(g);
			svg.append(s("g", { class: "leaf", tabindex: 0, role: "button", onclick: go, onkeydown: (e) => { if (e.key === "Enter") go(); } },
				s("circle", { cx: at.x + 10, cy: at.y, r: size, fill: "var(--accent)" }),
				s("text", { x: at.x + 24, y: at.y + 4 }, `${count(group.observations)}  ${group.title.length > 74 ? group.title.slice(0, 73) + "…" : group.title}`)));
		});
		return h("div", { class: "scroll" }, svg);
	};

	whorl.track = (share) => {
		const bar = h("span");
		bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
		return h("span", { class: "track", title: percent(share) }, bar);
	};
})();
