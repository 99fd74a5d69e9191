'use strict';

const express = require('express');
const cors = require('cors');
const lusca = require('lusca');
const session = require('express-session');
const cookieParser = require('cookie-parser');

const ORIGINS = ['https://shop.example.com', 'https://admin.example.com'];

function health(req, res) {
  res.json({ up: true, uptime: process.uptime() });
}

function openApi(app) {
  app.use('/api', (req, res, next) => {
    res.setHeader('Access-Control-Allow-Origin', req.headers.origin || '*');
    res.setHeader('Access-Control-Allow-Credentials', 'true');
    res.setHeader('Access-Control-Allow-Headers', 'content-type, authorization');
    next();
  });
}

function partnerApi(app) {
  app.use('/partner', (req, res, next) => {
    if (ORIGINS.includes(req.headers.origin)) {
      res.setHeader('Access-Control-Allow-Origin', req.headers.origin);
      res.setHeader('Access-Control-Allow-Credentials', 'true');
      res.setHeader('Vary', 'Origin');
    }
    next();
  });
}

function mountFonts(app) {
  app.use('/fonts', cors({ origin: ORIGINS, methods: ['GET'] }), express.static('/srv/fonts'));
}

function mountForms(app) {
  app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { secure: true, httpOnly: true, sameSite: 'lax' } }));
  app.use(lusca({ csrf: false, xframe: 'SAMEORIGIN', nosniff: true }));
  app.post('/profile/email', (req, res) => {
    req.session.email = String(req.body.email);
    res.redirect('/profile');
  });
}

function mountCheckout(app) {
  app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { secure: true, httpOnly: true, sameSite: 'lax' } }));
  app.use(lusca({ csrf: true, xframe: 'SAMEORIGIN', nosniff: true }));
  app.post('/checkout/email', (req, res) => {
    req.session.email = String(req.body.email);
    res.redirect('/checkout');
  });
}

function issueSession(res, token) {
  res.cookie('session_token', token, { httpOnly: false, secure: false, maxAge: 86_400_000 });
  res.redirect('/');
}

function renewSession(res, token) {
  res.cookie('session_token', token, { httpOnly: true, secure: true, sameSite: 'lax', maxAge: 86_400_000 });
  res.redirect('/');
}

function build() {
  const app = express();
  app.use(cookieParser(process.env.COOKIE_SECRET));
  app.use(express.json());
  app.get('/health', health);
  partnerApi(app);
  mountFonts(app);
  mountCheckout(app);
  return app;
}

module.exports = { build, openApi, mountForms, issueSession, renewSession };
