// SPDX-License-Identifier: Apache-2.0
// Elements from data: text always becomes a text node, so that nothing in a report is ever markup.
"use strict";
const whorl = { data: JSON.parse(document.getElementById("data").textContent) };

// A method that places has groups of its own, and no cut; what it groups is what the noun says, else it is a report.
whorl.places = whorl.data.summary.d === null || whorl.data.summary.d === undefined;
whorl.unit = whorl.places ? whorl.data.summary.noun || "report" : "report";
// A drawing that came with the page, or null.
whorl.plot = (name) => {
	const template = document.getElementById(`plot-${name}`);
	return template && template.content.firstElementChild.cloneNode(true);
};

whorl.fill = (element, attributes, children) => {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else element.setAttribute(name, value === true ? "" : String(value));
	}
	for (const child of children.flat())
		if (child !== undefined && child !== null && child !== false)
			element.append(child instanceof Node ? child : document.createTextNode(String(child)));
	return element;
};
whorl.h = (tag, attributes, ...children) => whorl.fill(document.createElement(tag), attributes, children);
whorl.s = (tag, attributes, ...children) => whorl.fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Numbers and times for people.
whorl.count = (n) => n.toLocaleString("en-US");
whorl.percent = (share) => {
	const value = 100 * share;
	return (value > 0 && value < 0.1 ? "< 0.1" : value < 10 ? value.toFixed(1) : value.toFixed(0)) + " %";
};
whorl.day = (time) => (time ? time.slice(0, 10) : "");
whorl.plural = (n, noun) => `${whorl.count(n)} ${noun}${n === 1 ? "" : "s"}`;
whorl.probability = (p) => (p < 0.001 ? "p < 0.001" : "p = " + p.toPrecision(2));
