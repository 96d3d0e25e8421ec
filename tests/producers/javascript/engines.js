// SPDX-License-Identifier: Apache-2.0
// engines.js: prints stacks the way an engine has them, for engines that print none by themselves: gjs (SpiderMonkey), jsc.
const say = typeof print === 'function' ? print : console.error;

class Store {
	take(name) { throw new RangeError('no such shelf: ' + name); }
}

function each(action) {
	try {
		[1].forEach(action);
	} catch (error) {
		say(error.name + ': ' + error.message + '\n' + error.stack);
	}
}

const store = new Store();
each((n) => store.take(n));
each(function named() { eval('(function inner() { undefinedName(); })()'); });
each(() => new Function('return null.length')());
const later = async () => { await null; store.take('later'); };
(async () => {
	try {
		await later();
	} catch (error) {
		say(error.name + ': ' + error.message + '\n' + error.stack);
	}
})();
