import fs from 'node:fs/promises';
import path from 'node:path';
import vm from 'node:vm';
import Koa from 'koa';
import Router from '@koa/router';
import bodyParser from 'koa-bodyparser';
import Handlebars from 'handlebars';
import _ from 'lodash';
import AdmZip from 'adm-zip';
import ldap from 'ldapjs';
import libxml from 'libxmljs2';
import xpath from 'xpath';
import yaml from 'js-yaml';
import pg from 'pg';
import { evaluate } from 'mathjs';
import { DOMParser } from '@xmldom/xmldom';
import { MongoClient, ObjectId } from 'mongodb';

const app = new Koa();
const router = new Router();
const db = new pg.Pool();
const mongo = new MongoClient(process.env.KITCHEN_MONGO);
const recipes = mongo.db('kitchen').collection('recipes');
const directory = ldap.createClient({ url: 'ldaps://ldap.example.com' });
const UPLOADS = '/srv/kitchen/uploads';
const defaults = { units: 'metric', theme: { dark: false } };

function overlay(target, source) {
  for (const key of Object.keys(source)) {
    if (_.isObject(source[key]) && _.isObject(target[key])) {
      overlay(target[key], source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}

router.post('/recipes/search', async (ctx) => {
  const { name, course } = ctx.request.body;
  const parts = [];
  if (name) parts.push(`name = '${name}'`);
  if (course) parts.push(`course = '${course}'`);
  const { rows } = await db.query('SELECT * FROM recipe WHERE ' + (parts.join(' AND ') || 'true'));
  ctx.body = rows;
});

router.post('/recipes/find', async (ctx) => {
  const { name, course } = ctx.request.body;
  const parts = [];
  const values = [];
  if (name) parts.push(`name = $${values.push(name)}`);
  if (course) parts.push(`course = $${values.push(course)}`);
  const { rows } = await db.query('SELECT * FROM recipe WHERE ' + (parts.join(' AND ') || 'true'), values);
  ctx.body = rows;
});

router.post('/cooks/login', async (ctx) => {
  const { name, pin } = ctx.request.body;
  const cook = await mongo.db('kitchen').collection('cooks').findOne({ name, pin });
  ctx.body = { ok: cook !== null };
});

router.post('/cooks/signin', async (ctx) => {
  const { name, pin } = ctx.request.body;
  const cook = await mongo.db('kitchen').collection('cooks').findOne({ name: String(name), pin: `${pin}` });
  ctx.body = { ok: cook !== null };
});

router.get('/recipes/quick', async (ctx) => {
  ctx.body = await recipes.find({ $where: `this.minutes < ${ctx.query.minutes}` }).toArray();
});

router.get('/recipes/:id', async (ctx) => {
  ctx.body = await recipes.findOne({ _id: new ObjectId(ctx.params.id) });
});

router.put('/settings', async (ctx) => {
  const settings = overlay(_.cloneDeep(defaults), JSON.parse(ctx.request.rawBody));
  ctx.body = { units: settings.units };
});

router.put('/options', async (ctx) => {
  const given = JSON.parse(ctx.request.rawBody);
  const settings = overlay(_.cloneDeep(defaults), { units: String(given.units), language: String(given.language) });
  ctx.body = { units: settings.units };
});

router.patch('/settings', async (ctx) => {
  const { key, value } = ctx.request.body;
  const parts = String(key).split('.');
  let node = defaults;
  while (parts.length > 1) {
    const part = parts.shift();
    node[part] = node[part] || {};
    node = node[part];
  }
  node[parts[0]] = value;
  ctx.status = 204;
});

router.patch('/options', async (ctx) => {
  const { key, value } = ctx.request.body;
  const parts = String(key).split('.');
  if (parts.some((p) => p === '__proto__' || p === 'constructor' || p === 'prototype')) {
    ctx.throw(400);
  }
  let node = defaults;
  while (parts.length > 1) {
    const part = parts.shift();
    node[part] = node[part] || {};
    node = node[part];
  }
  node[parts[0]] = value;
  ctx.status = 204;
});

router.post('/menu', async (ctx) => {
  const template = Handlebars.compile(ctx.request.body.template);
  ctx.type = 'text/plain';
  ctx.body = template({ day: 'Monday' });
});

router.post('/board', async (ctx) => {
  const template = Handlebars.compile('{{day}}: {{dish}}');
  ctx.type = 'text/plain';
  ctx.body = template({ day: 'Monday', dish: ctx.request.body.template });
});

router.get('/card', async (ctx) => {
  const card = Handlebars.compile('<h3>{{{title}}}</h3>');
  ctx.type = 'html';
  ctx.body = card({ title: ctx.query.title });
});

router.get('/slip', async (ctx) => {
  const card = Handlebars.compile('<h3>{{title}}</h3>');
  ctx.type = 'html';
  ctx.body = card({ title: ctx.query.title });
});

router.post('/scale', async (ctx) => {
  const scope = vm.createContext({ portions: 4 });
  ctx.body = { result: vm.runInContext(ctx.request.body.rule, scope, { timeout: 50 }) };
});

router.post('/double', async (ctx) => {
  const rule = String(ctx.request.body.rule);
  if (!/^\d{1,5} ?[-+*] ?\d{1,5}$/.test(rule)) {
    ctx.throw(400);
  }
  const scope = vm.createContext({ portions: 4 });
  ctx.body = { result: vm.runInContext(rule, scope, { timeout: 50 }) };
});

router.get('/convert', async (ctx) => {
  const rate = new Function('grams', `return grams * ${ctx.query.factor};`);
  ctx.body = { result: rate(100) };
});

router.get('/ounces', async (ctx) => {
  const factor = Number(ctx.query.factor) || 1;
  const rate = new Function('grams', `return grams * ${factor};`);
  ctx.body = { result: rate(100) };
});

router.post('/photos', async (ctx) => {
  const zip = new AdmZip(Buffer.from(ctx.request.body.archive, 'base64'));
  for (const entry of zip.getEntries()) {
    await fs.writeFile(path.join(UPLOADS, entry.entryName), entry.getData());
  }
  ctx.status = 204;
});

router.post('/pictures', async (ctx) => {
  const zip = new AdmZip(Buffer.from(ctx.request.body.archive, 'base64'));
  for (const entry of zip.getEntries()) {
    await fs.writeFile(path.join(UPLOADS, path.basename(entry.entryName)), entry.getData());
  }
  ctx.status = 204;
});

router.get('/cooks', async (ctx) => {
  ctx.body = await new Promise((resolve, reject) => {
    directory.search('ou=cooks,o=example', { filter: `(uid=${ctx.query.uid})`, scope: 'sub' }, (err, found) => {
      if (err) return reject(err);
      let n = 0;
      found.on('searchEntry', () => { n += 1; });
      return found.on('end', () => resolve({ n }));
    });
  });
});

router.get('/waiters', async (ctx) => {
  const filter = new ldap.EqualityFilter({ attribute: 'uid', value: String(ctx.query.uid) });
  ctx.body = await new Promise((resolve, reject) => {
    directory.search('ou=waiters,o=example', { filter, scope: 'sub' }, (err, found) => {
      if (err) return reject(err);
      let n = 0;
      found.on('searchEntry', () => { n += 1; });
      return found.on('end', () => resolve({ n }));
    });
  });
});

router.post('/import', async (ctx) => {
  const doc = libxml.parseXml(ctx.request.rawBody, { noent: true, nonet: false });
  ctx.body = { root: doc.root().name(), text: doc.root().text() };
});

router.post('/intake', async (ctx) => {
  const doc = libxml.parseXml(ctx.request.rawBody, { noent: false, nonet: true });
  ctx.body = { root: doc.root().name(), text: doc.root().text() };
});

router.get('/stock', async (ctx) => {
  const doc = new DOMParser().parseFromString(await fs.readFile('stock.xml', 'utf8'), 'text/xml');
  ctx.body = { n: xpath.select(`//item[@name='${ctx.query.name}']`, doc).length };
});

router.get('/store', async (ctx) => {
  const doc = new DOMParser().parseFromString(await fs.readFile('stock.xml', 'utf8'), 'text/xml');
  const found = xpath.parse('//item[@name=$name]').select({ node: doc, variables: { name: String(ctx.query.name) } });
  ctx.body = { n: found.length };
});

app.use(bodyParser());
app.use(router.routes());

export default app;
