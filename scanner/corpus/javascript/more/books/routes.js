'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { exec, execFile, execSync, spawn } = require('child_process');
const express = require('express');
const axios = require('axios');
const cors = require('cors');
const ejs = require('ejs');
const escapeHtml = require('escape-html');
const serialize = require('node-serialize');
const mysql = require('mysql2/promise');
const knex = require('knex')({ client: 'pg', connection: process.env.BOOKS_DB });

const store = require('./store');

const router = express.Router();
const pool = mysql.createPool(process.env.BOOKS_MYSQL);
const COVERS = path.join(__dirname, 'covers');
const SORTS = ['title', 'author', 'year'];

router.get('/', async (req, res) => {
  const { shelf = 'new', sort = 'title' } = req.query;
  const [rows] = await pool.query(`SELECT * FROM book WHERE shelf = ? ORDER BY ${sort}`, [shelf]);
  res.json(rows);
});

router.get('/sorted', async (req, res) => {
  const { shelf = 'new', sort = 'title' } = req.query;
  const column = SORTS.find((s) => s === sort) || 'title';
  const [rows] = await pool.query(`SELECT * FROM book WHERE shelf = ? ORDER BY ${column}`, [String(shelf)]);
  res.json(rows);
});

router.get('/search', async (req, res) => {
  const rows = await knex('book').where({ hidden: false }).whereRaw("title ILIKE '%" + req.query.q + "%'");
  res.json(rows);
});

router.get('/find', async (req, res) => {
  const rows = await knex('book').where({ hidden: false }).whereRaw('title ILIKE ?', [`%${req.query.q}%`]);
  res.json(rows);
});

router.get('/loans/:reader', async (req, res) => {
  const loans = await store.loansOf(pool, req.params.reader);
  res.json({ count: loans.length });
});

router.get('/returns/:reader', async (req, res) => {
  const loans = await store.returnsOf(pool, req.params.reader);
  res.json({ count: loans.length });
});

router.get('/page', async (req, res) => {
  const offset = Number.parseInt(req.query.offset, 10) || 0;
  const [rows] = await pool.query('SELECT * FROM book LIMIT 20 OFFSET ' + offset);
  res.json(rows);
});

router.get('/slice', async (req, res) => {
  const { offset } = req.query;
  if (Number.isNaN(Number.parseInt(offset, 10))) {
    return res.sendStatus(400);
  }
  const [rows] = await pool.query('SELECT * FROM book LIMIT 20 OFFSET ' + offset);
  return res.json(rows);
});

router.get('/cover', (req, res) => {
  const name = path.normalize(req.query.name);
  fs.createReadStream(path.join(COVERS, name)).pipe(res);
});

router.get('/image', (req, res) => {
  const file = path.resolve(COVERS, String(req.query.name));
  if (!file.startsWith(COVERS + path.sep)) {
    return res.sendStatus(404);
  }
  return fs.createReadStream(file).pipe(res);
});

router.get('/scan', (req, res) => {
  const file = path.resolve(COVERS, String(req.query.name));
  if (!file.startsWith(COVERS)) {
    return res.sendStatus(404);
  }
  return res.sendFile(file);
});

router.get('/plate', (req, res) => {
  res.sendFile(req.query.name, { root: COVERS, dotfiles: 'deny' });
});

router.post('/convert', (req, res) => {
  const format = req.body.format || 'epub';
  exec(`ebook-convert in.txt out.${format}`, { cwd: '/srv/books' }, (err) => {
    res.sendStatus(err ? 500 : 204);
  });
});

router.post('/export', (req, res) => {
  const format = req.body.format || 'epub';
  execFile('ebook-convert', ['in.txt', `out.${format}`], { cwd: '/srv/books' }, (err) => {
    res.sendStatus(err ? 500 : 204);
  });
});

router.post('/index', (req, res) => {
  const child = spawn('recoll', ['-t', '-q', req.body.words], { shell: true });
  child.stdout.pipe(res);
});

router.post('/words', (req, res) => {
  const child = spawn('recoll', ['-t', '-q', req.body.words], { shell: false });
  child.stdout.pipe(res);
});

router.get('/missing', (req, res) => {
  res.status(404).send('<p>No book called ' + req.query.title + '</p>');
});

router.get('/absent', (req, res) => {
  res.status(404).send('<p>No book called ' + escapeHtml(req.query.title) + '</p>');
});

router.post('/layout', (req, res) => {
  const html = ejs.render(req.body.layout, { title: 'Books' });
  res.type('text/plain').send(html);
});

router.post('/title', (req, res) => {
  const html = ejs.render('<h1><%= title %></h1>', { title: String(req.body.layout) });
  res.type('text/plain').send(html);
});

router.get('/basket', (req, res) => {
  const raw = Buffer.from(req.cookies.basket || '', 'base64').toString();
  const basket = serialize.unserialize(raw);
  res.json({ count: Object.keys(basket).length });
});

router.get('/wishes', (req, res) => {
  const raw = Buffer.from(req.cookies.wishes || 'e30=', 'base64').toString();
  const wishes = JSON.parse(raw);
  res.json({ count: Object.keys(wishes).length });
});

router.post('/login', (req, res) => {
  const next = String(req.query.next || '/');
  res.redirect(next.startsWith('/') ? next : '/');
});

router.post('/logout', (req, res) => {
  const own = 'https://books.example.com';
  const next = new URL(String(req.query.next || '/'), own);
  res.redirect(next.origin === own ? own + next.pathname : own);
});

router.post('/remember', (req, res) => {
  res.cookie('session_id', req.session.id, { maxAge: 86400000, httpOnly: false, secure: false });
  res.sendStatus(204);
});

router.post('/keep', (req, res) => {
  res.cookie('session_id', req.session.id, { maxAge: 86400000, httpOnly: true, secure: true, sameSite: 'lax' });
  res.sendStatus(204);
});

router.post('/role', (req, res) => {
  req.session.role = req.body.role;
  res.sendStatus(204);
});

router.post('/view', (req, res) => {
  req.session.view = req.body.view === 'list' ? 'list' : 'grid';
  res.sendStatus(204);
});

function deskCors(app) {
  app.use(cors({ origin: true, credentials: true }));
}

function partnerCors(app) {
  app.use(cors({ origin: 'https://books.example.com', credentials: true }));
}

module.exports = { router, deskCors, partnerCors };
