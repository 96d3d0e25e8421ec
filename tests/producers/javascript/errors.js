// SPDX-License-Identifier: Apache-2.0
// errors.js KIND: ends with an error of that kind. Node.js prints it.
'use strict';

class Store {
	get #open() { throw new RangeError('no such shelf'); }
	take(name) { return this.#open[name]; }
	static of(name) { return new Store().take(name); }
}

function parse(text) {
	try {
		return Store.of(text);
	} catch (cause) {
		throw new TypeError('cannot parse ' + text, { cause });
	}
}

class Broken {
	constructor() { parse('x'); }
}

const wait = () => new Promise((done) => setTimeout(done, 1));

async function later() {
	await wait();
	null.length;
}

async function all() {
	await Promise.all([wait(), later()]);
}

const kinds = {
	cause: () => [1].map(() => new Broken()),
	async: () => all(),
	any: () => Promise.any([Promise.reject(new Error('first')), Promise.reject(new Error('second'))]),
	eval: () => eval('(function inner() { undefinedName(); })()'),
	missing: () => require('./missing'),
	system: () => require('fs').readFileSync('/nowhere'),
	string: () => { throw 'a string'; },
	reject: () => Promise.reject('a string'),
	assert: () => require('assert').strictEqual(1, 2),
	argument: () => Buffer.from(7),
	emitter: () => new (require('events'))().emit('error', new Error('nobody listens')),
	alias: () => ({ make: Store.of }).make('y'),
	overflow: function down() { down(); },
	logged: () => {
		for (const name of ['a', 'b'])
			try { parse(name); } catch (error) { console.error('request failed:', error); }
		console.error(`${new Date(0).toISOString()} [error] ${new Error('of a logger').stack}`);
	},
	memory: () => { const kept = []; for (;;) kept.push(new Array(1000).fill({})); },
};

kinds[process.argv[2]]();
