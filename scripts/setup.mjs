// Brings a checkout to where its own Node can run it. Runs on any Node from 18 on, needs neither root nor a compiler.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode, isNewEnough } from '../bin/find-node.mjs';
import { bundleCheckout } from './bundle.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs what package-lock.json names, unless it is there. Resolves to the Node to run Pando with; rejects with a reason to show. */
export async function setUp() {
  if (!isInstalled()) await install();
  const node = findNode(root) ?? (isNewEnough(process.versions.node) ? process.execPath : await fetchNode());
  if (node !== undefined) {
    await bundleCheckout(root);
    return node;
  }
  throw new Error(
    `Pando needs Node 24 or newer; this is ${process.versions.node}, and none could be fetched for ${process.platform} ${process.arch}: install Node 24 and try again`,
  );
}

/** The environment in which `node`, and what node_modules/.bin holds, are the checkout's own. */
export function environment(node) {
  return { ...process.env, PATH: [dirname(node), join(root, 'node_modules/.bin'), process.env.PATH].join(':') };
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** The end of a script whose set-up failed. */
export function stop(error) {
  say(error.message);
  process.exit(1);
}

export function secondsSince(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

/** Runs a program to its end and keeps what it said. Never rejects. */
export function runQuietly(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (said.stdout += text));
    child.stderr.on('data', (text) => (said.stderr += text));
    child.once('error', (error) => done({ ...said, stderr: error.message, status: 127 }));
    child.once('close', (status) => done({ ...said, status }));
  });
}

/** npm keeps its own account of what it put into node_modules, written last; it is compared with the lock, so no stamp can lie. */
function isInstalled() {
  const account = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(account)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(account);
  return Object.keys(wanted).every((path) => {
    if (!path.includes('node_modules/')) return true;
    const found = present[path];
    return found === undefined ? wanted[path].optional === true : found.version === wanted[path].version;
  });
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

async function install() {
  const start = Date.now();
  say('set-up: installing the packages of package-lock.json, Node 24 among them, into node_modules (some 450 MB) …');
  const done = await npm(['ci', '--loglevel=error']);
  if (done.status !== 0) throw new Error(`${done.stdout}${done.stderr}set-up: npm ci failed, see above`);
  say(`set-up: ${done.stdout.trim().split('\n').pop()} (${secondsSince(start)})`);
}

/** Platforms for which the lock names no Node: the `node` package fetches one in its install script, which package.json allows. */
async function fetchNode() {
  say(`set-up: fetching Node 24 for ${process.platform} ${process.arch} …`);
  const done = await npm(['install', '--no-save', '--loglevel=error', 'node@24.21.0']);
  if (done.status !== 0) say(done.stderr);
  return findNode(root);
}

/** The npm that runs us, on the Node that runs it, unless that one lies in node_modules, which `npm ci` removes. */
function npm(args) {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  const inNpm = script !== undefined && node !== undefined && script.endsWith('.js') && !node.startsWith(root);
  return runQuietly(inNpm ? node : 'npm', inNpm ? [script, ...args] : args, { cwd: root });
}
