// SPDX-License-Identifier: Apache-2.0
// shop.mjs OUT: two services in one process export their metrics with OpenTelemetry's SDK as OTLP/JSON to a receiver on loopback, which keeps one request a
// line in OUT, as the collector's file exporter does. What was exported is printed as JSON: resource, metric, temporality, values in order of time.
// npm install @opentelemetry/sdk-metrics @opentelemetry/exporter-metrics-otlp-http @opentelemetry/resources
import fs from "node:fs";
import http from "node:http";
import { AggregationTemporalityPreference, OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

const out = fs.openSync(process.argv[2], "w");
const server = http.createServer((request, response) => {
	let body = "";
	request.on("data", (piece) => (body += piece));
	request.on("end", () => {
		fs.writeSync(out, body + "\n");
		response.writeHead(200, { "content-type": "application/json" });
		response.end("{}");
	});
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}/v1/metrics`;

function provider(name, instance, version, temporalityPreference) {
	const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url, temporalityPreference }), exportIntervalMillis: 3600000 });
	return new MeterProvider({
		resource: resourceFromAttributes({ "service.name": name, "service.instance.id": instance, "service.version": version, "os.type": "linux", "process.pid": 4711 }),
		views: [
			{ instrumentName: "order.items", aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [1, 5, 10], recordMinMax: true } } },
			{ instrumentName: "order.seconds", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20, recordMinMax: true } } },
		],
		readers: [reader],
	});
}

const told = [];
const STEPS = 4;

async function run(name, instance, version, preference) {
	const restarts = name === "shop" ? 1 : 0; // a process that begins again counts from 0 again
	const values = { requests: [], failed: [], queue: [], heap: [], items: [], seconds: [] };
	const totals = { requests: 0, failed: 0, items: 0, itemsSum: 0, seconds: 0, secondsSum: 0 };
	for (let life = 0; life <= restarts; life++) {
		const p = provider(name, instance, version, preference);
		const meter = p.getMeter("shop.orders", "1.0"), other = p.getMeter("shop.runtime");
		const requests = meter.createCounter("requests", { unit: "{request}" }), items = meter.createHistogram("order.items");
		const queue = meter.createUpDownCounter("queue.length"), seconds = meter.createHistogram("order.seconds", { unit: "s" });
		let heap = 0;
		other.createObservableGauge("heap.used", { unit: "By" }).addCallback((result) => result.observe(heap, { space: 'old "large"' }));
		if (life)
			Object.assign(totals, { requests: 0, failed: 0, items: 0, itemsSum: 0, seconds: 0, secondsSum: 0 });
		let length = 0;
		for (let step = 0; step < STEPS; step++) {
			const n = 3 + step, sizes = [1, step + 4, 12], took = [0.001 * (step + 1), 0.25];
			requests.add(n, { "http.route": "/order", "http.status_code": 200 });
			requests.add(step % 2, { "http.status_code": 500, "http.route": "/order" });
			queue.add(step < 3 ? 2 : -1);
			length += step < 3 ? 2 : -1;
			heap = 1000.5 * (step + 1);
			sizes.forEach((size) => items.record(size));
			took.forEach((t) => seconds.record(t));
			totals.requests += n;
			totals.failed += step % 2;
			totals.items += sizes.length;
			totals.itemsSum += sizes.reduce((a, b) => a + b);
			totals.seconds += took.length;
			totals.secondsSum += took.reduce((a, b) => a + b);
			await p.forceFlush();
			values.requests.push(totals.requests);
			values.failed.push(totals.failed);
			values.queue.push(length);
			values.heap.push(heap);
			values.items.push([totals.items, totals.itemsSum]);
			values.seconds.push([totals.seconds, totals.secondsSum]);
			await new Promise((done) => setTimeout(done, 250));
		}
		// No shutdown: it would export once more.
	}
	told.push({ service: name, instance, values });
}

await run("shop", "6f1c", "2.0", AggregationTemporalityPreference.CUMULATIVE);
await run("billing", "77aa", "2.1", AggregationTemporalityPreference.DELTA);
console.log(JSON.stringify(told));
fs.closeSync(out);
process.exit(0);
