// A telemetry receiver made of OpenTelemetry's own package, for tests and to look at what a courier sends:
//
//   node receiver.mjs FILE [--port N] [--key FILE --cert FILE]
//
// Listens on 127.0.0.1 (a free port unless told one; with TLS if given a key), prints the port as its first line, and appends a line of JSON
// to FILE for each request: {method, path, headers, body_sha256, bytes, format, records, problem}. `problem` is null only
// if the body is exactly what the protocol allows: OTLP bodies go through the package's generated ExportLogsServiceRequest
// and must come back unchanged, so an unknown key, a wrong type and a number out of range are all noticed.
// A path may ask for another answer than 200 "{}": ?status=503, ?type=text/html, ?retry-after=60, ?rejected=3.

import {createHash} from 'node:crypto';
import {appendFileSync, readFileSync} from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import {createRequire} from 'node:module';
import {isDeepStrictEqual, parseArgs} from 'node:util';

const require = createRequire(import.meta.url);
const root = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const Request = root.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

const {values: options, positionals: [file]} = parseArgs({
  options: {port: {type: 'string', default: '0'}, key: {type: 'string'}, cert: {type: 'string'}},
  allowPositionals: true,
});
if (file === undefined) {
  console.error('usage: node receiver.mjs FILE [--port N] [--key FILE --cert FILE]');
  process.exit(2);
}

function readOtlp(text) {
  const body = JSON.parse(text);
  const message = Request.fromObject(body);
  const problem = Request.verify(message);
  if (problem !== null) throw new Error(problem);
  // The bytes of the protocol, there and back: what they cannot carry does not return.
  const returned = Request.toObject(Request.decode(Request.encode(message).finish()), {longs: String, enums: Number});
  if (!isDeepStrictEqual(returned, body)) throw new Error('not what ExportLogsServiceRequest holds: ' + JSON.stringify(returned));
  return body.resourceLogs.flatMap(r => r.scopeLogs).flatMap(s => s.logRecords);
}

const lineMembers = ['time', 'tool', 'version', 'install_id', 'event', 'severity', 'attributes'];

function readLines(text) {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  return text.slice(0, -1).split('\n').map(line => {
    const record = JSON.parse(line);
    if (!isDeepStrictEqual(Object.keys(record), lineMembers)) throw new Error('members of a line: ' + line);
    return record;
  });
}

function examine(request, text) {
  const type = request.headers['content-type'];
  if (request.method !== 'POST') return {format: null, records: null, problem: null};
  const read = {'application/json': readOtlp, 'application/x-ndjson': readLines}[type];
  if (read === undefined) return {format: type, records: null, problem: 'unknown content type'};
  try {
    return {format: type, records: read(text), problem: null};
  } catch (error) {
    return {format: type, records: null, problem: error.message};
  }
}

function answer(response, query) {
  response.statusCode = Number(query.get('status') ?? 200);
  response.setHeader('Content-Type', query.get('type') ?? 'application/json');
  if (query.has('retry-after')) response.setHeader('Retry-After', query.get('retry-after'));
  const rejected = query.get('rejected');
  response.end(rejected === null ? '{}' : JSON.stringify({partialSuccess: {rejectedLogRecords: rejected}}));
}

function receive(request, response) {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const line = {
      method: request.method,
      path: request.url,
      headers: request.headers,
      body_sha256: createHash('sha256').update(body).digest('hex'),
      bytes: body.length,
      ...examine(request, body.toString('utf8')),
    };
    appendFileSync(file, JSON.stringify(line) + '\n');
    answer(response, new URL(request.url, 'http://localhost').searchParams);
  });
}

const server = options.key === undefined
  ? http.createServer(receive)
  : https.createServer({key: readFileSync(options.key), cert: readFileSync(options.cert)}, receive);
server.listen(Number(options.port), '127.0.0.1', () => console.log(server.address().port));
