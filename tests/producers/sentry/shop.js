// SPDX-License-Identifier: Apache-2.0
// node shop.js FOLDER: what @sentry/node (8) sends for three crashes, as FOLDER/{chain,group,message}.envelope. `npm install
// @sentry/node@8` first; nothing is sent to anybody. tests/data/stack/sentry/PROVENANCE.txt says how the files become fixtures.
'use strict';
const fs = require('fs');
const path = require('path');
const Sentry = require('@sentry/node');
const { createTransport, serializeEnvelope } = require('@sentry/core');

let sent = [];

function transport(options) {
	return createTransport(options, (request) => {
		sent.push(typeof request.body === 'string' ? request.body : Buffer.from(request.body).toString());
		return Promise.resolve({ statusCode: 200 });
	});
}

function parsePrice(text) {
	return JSON.parse(text).price;
}

function loadItem(text) {
	try {
		return parsePrice(text);
	} catch (error) {
		throw new RangeError('no price for item 7', { cause: error });
	}
}

class Basket {
	total() {
		return this.items.map((text) => loadItem(text)).reduce((a, b) => a + b, 0);
	}
	constructor(items) {
		this.items = items;
	}
}

function pay(name) {
	throw new TypeError(`cannot pay with ${name}`);
}

async function crash(name, f) {
	sent = [];
	try {
		f();
	} catch (error) {
		Sentry.captureException(error);
	}
	await Sentry.flush(2000);
	fs.writeFileSync(path.join(process.argv[2], `${name}.envelope`), sent.join('\n'));
}

async function main() {
	Sentry.init({
		dsn: 'https://0123456789abcdef@localhost/1', release: 'shop@1.4.2+77', environment: 'test', transport, defaultIntegrations: false,
		integrations: [Sentry.linkedErrorsIntegration(), Sentry.nodeContextIntegration(), Sentry.modulesIntegration()],
	});
	await crash('chain', () => new Basket(['{"price": 3}', '{price}']).total());
	await crash('group', () => {
		const errors = ['card', 'coins'].map((what) => {
			try {
				return pay(what);
			} catch (error) {
				return error;
			}
		});
		throw new AggregateError(errors, 'nothing was accepted');
	});
	await crash('message', () => Sentry.captureMessage('the till is empty', 'warning'));
}

main();
