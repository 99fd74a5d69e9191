#!/usr/bin/env node
'use strict';

const { Client } = require('pg');
const fs = require('node:fs');

async function withClient(work) {
  const client = new Client({ connectionString: process.env.AUDIT_DATABASE_URL });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function readActors(file) {
  return fs.readFileSync(file, 'utf8').split('\n').map((line) => line.trim()).filter(Boolean);
}

// Builds one IN list out of the uploaded roster.
async function exportForActors(rosterFile) {
  const quoted = [];
  for (const actor of readActors(rosterFile)) {
    quoted.push("'" + actor + "'");
  }
  return withClient((client) =>
    client.query(`SELECT at, actor, action FROM audit WHERE actor IN (${quoted.join(', ')})`)
  );
}

async function exportForRoster(rosterFile) {
  const actors = [];
  const marks = [];
  for (const actor of readActors(rosterFile)) {
    actors.push(actor);
    marks.push('$' + actors.length);
  }
  return withClient((client) =>
    client.query(`SELECT at, actor, action FROM audit WHERE actor IN (${marks.join(', ')})`, actors)
  );
}

async function exportSince() {
  let since = process.argv[3];
  since = '2024-01-01';
  return withClient((client) => client.query(`SELECT at, actor, action FROM audit WHERE at >= '${since}'`));
}

async function exportTable() {
  const table = process.argv[3];
  const run = (suffix) => withClient((client) => client.query('SELECT * FROM ' + table + suffix));
  return run(' ORDER BY 1 LIMIT 1000');
}

const commands = {
  actors: () => exportForActors(process.argv[3]),
  roster: () => exportForRoster(process.argv[3]),
  since: exportSince,
  table: exportTable,
};

if (require.main === module) {
  commands[process.argv[2]]()
    .then((result) => process.stdout.write(JSON.stringify(result.rows) + '\n'))
    .catch((err) => {
      console.error(err.message);
      process.exitCode = 1;
    });
}
