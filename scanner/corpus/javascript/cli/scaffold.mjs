#!/usr/bin/env node
import { execSync as sh, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

const TRACE = false;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { registry: { type: 'string' }, out: { type: 'string', default: '.' } },
});

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function git(args) {
  return sh('git ' + args, { encoding: 'utf8' }).trim();
}

export function cloneTemplate() {
  const [origin] = positionals;
  return git(`clone ${origin} template`);
}

export function templateVersion() {
  const [origin] = positionals;
  const version = git('-C template rev-parse HEAD');
  return { origin, version };
}

export function publish() {
  const registry = process.env.SCAFFOLD_REGISTRY;
  sh(`npm publish --registry=${registry}`, { stdio: 'inherit' });
}

export function publishTo() {
  const registry = new URL(process.env.SCAFFOLD_REGISTRY);
  const outcome = spawnSync('npm', ['publish', `--registry=${registry.href}`], { stdio: 'inherit' });
  process.exitCode = outcome.status ?? 1;
}

export function install() {
  const extra = values.registry;
  let command = 'npm ci';
  if (TRACE) {
    command += ' --registry=' + extra;
  }
  sh(command, { stdio: 'inherit' });
}

export function writeReadme() {
  const { name } = readManifest('template');
  const folder = join('packages', basename(name));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README.md'), `# ${name}\n`);
}
