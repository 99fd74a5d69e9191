'use strict';

const express = require('express');
const ejs = require('ejs');
const Handlebars = require('handlebars');
const nunjucks = require('nunjucks');
const pug = require('pug');

const router = express.Router();

const LETTER = '<p>Dear <%= name %>,</p><p><%= message %></p>';
const TEMPLATES = {
  invoice: 'h1 Invoice #{number}\np Total #{total}',
  receipt: 'h1 Receipt #{number}\np Paid #{total}',
};

function amounts(items) {
  return items.reduce((sum, item) => sum + Number(item.price) * Number(item.count), 0);
}

function previewLetter(req, res) {
  const { template, name } = req.body;
  const html = ejs.render(template, { name, message: 'Thank you for your order.' });
  res.send(html);
}

function sendLetter(req, res) {
  const { template, name } = req.body;
  const html = ejs.render(LETTER, { name, message: template });
  res.send(html);
}

function greet(req, res) {
  const env = new nunjucks.Environment(null, { autoescape: true });
  const greeting = 'Hello ' + req.query.name + ', you have {{ count }} messages';
  res.send(env.renderString(greeting, { count: 3 }));
}

function welcome(req, res) {
  const env = new nunjucks.Environment(null, { autoescape: true });
  const greeting = 'Hello {{ name }}, you have {{ count }} messages';
  res.send(env.renderString(greeting, { name: req.query.name, count: 3 }));
}

function compileLayout(source) {
  return pug.compile(source, { pretty: false });
}

function printDocument(req, res) {
  const layout = compileLayout(req.body.layout || TEMPLATES.invoice);
  res.send(layout({ number: req.body.number, total: amounts(req.body.items) }));
}

function printReceipt(req, res) {
  const kind = req.body.layout === 'receipt' ? 'receipt' : 'invoice';
  const layout = compileLayout(TEMPLATES[kind]);
  res.send(layout({ number: req.body.number, total: amounts(req.body.items) }));
}

function subjectLine(req, res) {
  const compiled = Handlebars.compile('Order {{number}} for {{customer}}');
  res.type('text/plain').send(compiled({ number: req.params.number, customer: req.query.customer }));
}

router.post('/letter/preview', previewLetter);
router.post('/letter', sendLetter);
router.get('/greet', greet);
router.get('/welcome', welcome);
router.post('/print', printDocument);
router.post('/receipt', printReceipt);
router.get('/subject/:number', subjectLine);

module.exports = router;
