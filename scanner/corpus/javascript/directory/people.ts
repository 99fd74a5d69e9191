import { createClient, Client, EqualityFilter, SearchOptions } from 'ldapjs';
import type { Request, Response } from 'express';

const BASE = 'ou=people,dc=example,dc=com';

function connect(): Client {
  return createClient({ url: process.env.LDAP_URL ?? 'ldaps://directory.example.com' });
}

function escapeFilterValue(value: string): string {
  return value.replace(/[\\*()\0]/g, (ch) => '\\' + ch.charCodeAt(0).toString(16).padStart(2, '0'));
}

function find(options: SearchOptions, res: Response): void {
  const client = connect();
  const people: unknown[] = [];
  client.search(BASE, options, (err, search) => {
    if (err) {
      res.status(502).json({ error: err.message });
      return;
    }
    search.on('searchEntry', (entry) => people.push(entry.pojo));
    search.on('end', () => {
      client.unbind();
      res.json(people);
    });
  });
}

export function byUid(req: Request, res: Response): void {
  const uid = req.query.uid as string;
  const client = connect();
  client.search(BASE, { scope: 'sub', filter: `(&(objectClass=person)(uid=${uid}))` }, (err, search) => {
    if (err) {
      res.status(502).end();
      return;
    }
    search.once('searchEntry', (entry) => res.json(entry.pojo));
  });
}

export function uidEntry(req: Request, res: Response): void {
  const uid = req.query.uid as string;
  const client = connect();
  const filter = new EqualityFilter({ attribute: 'uid', value: uid });
  client.search(BASE, { scope: 'sub', filter }, (err, search) => {
    if (err) {
      res.status(502).end();
      return;
    }
    search.once('searchEntry', (entry) => res.json(entry.pojo));
  });
}

export function byDepartment(req: Request, res: Response): void {
  const clauses: string[] = [];
  for (const department of String(req.headers['x-departments']).split(',')) {
    clauses.push('(ou=' + department + ')');
  }
  find({ scope: 'one', filter: '(|' + clauses.join('') + ')' }, res);
}

export function byOffice(req: Request, res: Response): void {
  const office = escapeFilterValue(String(req.query.office));
  find({ scope: 'one', filter: `(physicalDeliveryOfficeName=${office})` }, res);
}

export function byPhone(req: Request, res: Response): void {
  const phone = req.params.phone;
  find({ scope: 'sub', filter: `(telephoneNumber=${phone})` }, res);
}

export function managers(req: Request, res: Response): void {
  const title = 'manager';
  res.set('x-requested-title', encodeURIComponent(String(req.query.title)));
  find({ scope: 'sub', filter: `(title=${title})` }, res);
}
