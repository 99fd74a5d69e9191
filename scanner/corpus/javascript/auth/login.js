'use strict';

const express = require('express');
const jwt = require('jsonwebtoken');
const crypto = require('node:crypto');
const users = require('../server/users');

const router = express.Router();
const LANDING = ['/dashboard', '/orders', '/settings'];
const PUBLIC_KEY = process.env.JWT_PUBLIC_KEY;

function remember(res, id) {
  res.cookie('uid', String(id), { httpOnly: true, secure: true, sameSite: 'strict', signed: true });
}

async function login(req, res) {
  const user = await users.authenticate(req.body.email, req.body.password);
  if (!user) {
    return res.status(401).render('login', { error: true });
  }
  remember(res, user.id);
  const next = req.query.next || '/dashboard';
  return res.redirect(next);
}

async function signIn(req, res) {
  const user = await users.authenticate(req.body.email, req.body.password);
  if (!user) {
    return res.status(401).render('login', { error: true });
  }
  remember(res, user.id);
  const next = LANDING.includes(req.query.next) ? req.query.next : LANDING[0];
  return res.redirect(next);
}

function logout(req, res) {
  res.clearCookie('uid');
  const goto = (path) => res.set('Location', path).status(302).end();
  goto(req.query.from);
}

function signOut(req, res) {
  res.clearCookie('uid');
  const goto = (path) => res.set('Location', path).status(302).end();
  goto('/goodbye?lang=' + encodeURIComponent(req.cookies.lang));
}

function currentUser(req) {
  const token = (req.headers.authorization || '').replace(/^Bearer /, '');
  const claims = jwt.decode(token);
  return claims ? users.byId(claims.sub) : null;
}

function activeUser(req) {
  const token = (req.headers.authorization || '').replace(/^Bearer /, '');
  const claims = jwt.verify(token, PUBLIC_KEY, { algorithms: ['RS256'] });
  return users.byId(claims.sub);
}

async function startReset(req, res) {
  let code = '';
  for (let i = 0; i < 12; i++) {
    code += Math.floor(Math.random() * 36).toString(36);
  }
  await users.storeResetToken(req.body.email, code);
  res.sendStatus(202);
}

async function startInvite(req, res) {
  const code = crypto.randomBytes(24).toString('base64url');
  const delay = Math.floor(Math.random() * 250);
  await users.storeResetToken(req.body.email, code);
  setTimeout(() => res.sendStatus(202), delay);
}

router.post('/login', login);
router.post('/sign-in', signIn);
router.post('/logout', logout);
router.post('/sign-out', signOut);
router.post('/reset', startReset);
router.post('/invite', startInvite);

module.exports = { router, currentUser, activeUser };
