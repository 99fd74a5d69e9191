'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execSync } = require('node:child_process');

function humanSize(bytes) {
  return bytes > 1_048_576 ? `${(bytes / 1_048_576).toFixed(1)} MB` : `${Math.ceil(bytes / 1024)} kB`;
}

function spool(rows) {
  const file = path.join(os.tmpdir(), 'export-rows.json');
  fs.writeFileSync(file, JSON.stringify(rows));
  return { file, size: humanSize(fs.statSync(file).size) };
}

function spoolBatch(rows) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'export-'));
  const file = path.join(folder, 'rows.json');
  fs.writeFileSync(file, JSON.stringify(rows), { mode: 0o600, flag: 'wx' });
  return { file, size: humanSize(fs.statSync(file).size) };
}

function installKey(pem) {
  const file = '/etc/relay/signing.key';
  fs.writeFileSync(file, pem);
  fs.chmodSync(file, 0o777);
  return file;
}

function installSigningKey(pem) {
  const file = '/etc/relay/signing.key';
  fs.writeFileSync(file, pem, { mode: 0o600 });
  fs.chmodSync(file, 0o600);
  return file;
}

function readRows(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).map((row, index) => ({ index, ...row }));
}

function showDiff() {
  const [, , left, right] = process.argv;
  return execSync(`diff -u ${left} ${right} || true`, { encoding: 'utf8' });
}

function showSizes() {
  const [, , left, right] = process.argv;
  const total = [left, right].map((file) => fs.statSync(file).size).reduce((a, b) => a + b, 0);
  return execSync(`printf '%d bytes\\n' ${total}`, { encoding: 'utf8' });
}

module.exports = { spool, spoolBatch, installKey, installSigningKey, readRows, showDiff, showSizes };
