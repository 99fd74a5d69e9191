'use strict';

const ldap = require('ldapjs');
const xpath = require('xpath');
const { DOMParser } = require('@xmldom/xmldom');
const fs = require('node:fs/promises');

const BASE = 'ou=offices,dc=example,dc=com';
const select = xpath.select;

async function plans() {
  return new DOMParser().parseFromString(await fs.readFile('/srv/data/plans.xml', 'utf8'), 'text/xml');
}

class OfficeDirectory {
  constructor(url) {
    this.client = ldap.createClient({ url });
  }

  collect(filter, done) {
    const found = [];
    this.client.search(BASE, { scope: 'sub', filter }, (err, search) => {
      if (err) return done(err);
      search.on('searchEntry', (entry) => found.push(entry.pojo));
      search.on('end', () => done(null, found));
      return undefined;
    });
  }

  byCity(req, res, next) {
    const { city } = req.cookies;
    this.collect('(&(objectClass=locality)(l=' + city + '))', (err, found) => (err ? next(err) : res.json(found)));
  }

  byCountry(req, res, next) {
    const { country } = req.cookies;
    if (!/^[A-Z]{2}$/.test(country)) {
      res.sendStatus(400);
      return;
    }
    this.collect(`(&(objectClass=locality)(c=${country}))`, (err, found) => (err ? next(err) : res.json(found)));
  }

  authenticate(req, res) {
    const fields = { uid: req.body.uid, ou: req.body.unit };
    const filter = Object.entries(fields).map(([name, value]) => `(${name}=${value})`);
    this.client.search(BASE, { filter: `(&${filter.join('')})` }, (err, search) => {
      if (err) {
        res.sendStatus(502);
        return;
      }
      search.once('searchEntry', () => res.sendStatus(204));
    });
  }

  async floor(req, res) {
    const level = req.headers['x-floor'];
    const found = select(`string(//floor[@level='${level}']/@plan)`, await plans());
    res.json({ plan: found });
  }

  async room(req, res) {
    const { wing, number } = req.query;
    let expression = '//room';
    for (const part of [wing, number]) {
      expression += '[@id="' + part + '"]';
    }
    res.json({ rooms: select(expression, await plans()).length });
  }

  async desk(req, res) {
    const number = Math.trunc(Number(req.query.number)) || 0;
    const found = select(`//desk[@number=${number}]`, await plans());
    res.json({ desks: found.length });
  }
}

module.exports = { OfficeDirectory, plans };
