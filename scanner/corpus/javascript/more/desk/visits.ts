import { exec } from 'child_process';
import { promises as fs } from 'fs';
import { join } from 'path';
import { Request, Response, Router } from 'express';
import { Prisma, PrismaClient } from '@prisma/client';
import pug from 'pug';
import { firstOf, paging, slug, wrapped } from './context';

export const visits = Router();
const prisma = new PrismaClient();
const LETTERS = '/srv/desk/letters';

visits.get('/visits/by-name', wrapped(async (req: Request, res: Response) => {
  const name = firstOf(req.query.name);
  const rows = await prisma.$queryRawUnsafe(`SELECT * FROM visit WHERE patient = '${name}'`);
  res.json(rows);
}));

visits.get('/visits/by-ward', wrapped(async (req: Request, res: Response) => {
  const ward = firstOf(req.query.ward);
  const rows = await prisma.$queryRaw`SELECT * FROM visit WHERE ward = ${ward}`;
  res.json(rows);
}));

visits.get('/visits', wrapped(async (req: Request, res: Response) => {
  const page = paging(req);
  const rows = await prisma.$queryRawUnsafe('SELECT * FROM visit ORDER BY ' + page.order + ' LIMIT 20');
  res.json(rows);
}));

visits.get('/visits/page', wrapped(async (req: Request, res: Response) => {
  const page = paging(req);
  const rows = await prisma.$queryRawUnsafe('SELECT * FROM visit LIMIT ' + page.size + ' OFFSET ' + page.offset);
  res.json(rows);
}));

visits.get('/visits/sorted', wrapped(async (req: Request, res: Response) => {
  const order = Prisma.raw(firstOf(req.query.order));
  res.json(await prisma.$queryRaw`SELECT * FROM visit ORDER BY ${order}`);
}));

visits.get('/letters', wrapped(async (req: Request, res: Response) => {
  const name = firstOf(req.query.name);
  res.type('text/plain').send(await fs.readFile(join(LETTERS, name + '.txt'), 'utf8'));
}));

visits.get('/notes', wrapped(async (req: Request, res: Response) => {
  const name = slug(req.query.name);
  res.type('text/plain').send(await fs.readFile(join(LETTERS, name + '.txt'), 'utf8'));
}));

visits.post('/labels', wrapped(async (req: Request, res: Response) => {
  let printer = 'front';
  if (req.body.printer) {
    printer = req.body.printer;
  }
  exec(`lp -d ${printer} /srv/desk/label.ps`);
  res.sendStatus(204);
}));

visits.post('/stickers', wrapped(async (req: Request, res: Response) => {
  let printer = req.body.printer;
  switch (printer) {
    case 'back':
      printer = 'back';
      break;
    default:
      printer = 'front';
  }
  exec(`lp -d ${printer} /srv/desk/label.ps`);
  res.sendStatus(204);
}));

visits.get('/calendar', (req: Request, res: Response) => {
  const state = JSON.stringify({ day: req.query.day });
  res.send(`<html><body><script>window.state = ${state};</script></body></html>`);
});

visits.get('/planner', (req: Request, res: Response) => {
  const state = JSON.stringify({ day: req.query.day }).replace(/</g, '\\u003c');
  res.send(`<html><body><script>window.state = ${state};</script></body></html>`);
});

visits.post('/letterhead', (req: Request, res: Response) => {
  const draw = pug.compile(req.body.head);
  res.type('text/plain').send(draw({ desk: 'front' }));
});

visits.post('/letterfoot', (req: Request, res: Response) => {
  const draw = pug.compile('p= foot');
  res.type('text/plain').send(draw({ foot: String(req.body.head) }));
});

visits.post('/callbacks', wrapped(async (req: Request, res: Response) => {
  const { callback: target, ...rest } = req.body;
  const answer = await fetch(target, { method: 'POST', body: JSON.stringify(rest) });
  res.json({ status: answer.status });
}));

visits.post('/reports', wrapped(async (req: Request, res: Response) => {
  const { callback: target, ...rest } = req.body;
  const answer = await fetch(process.env.DESK_HOOK as string, { method: 'POST', body: JSON.stringify({ target, rest }) });
  res.json({ status: answer.status });
}));

visits.get('/greeting', (req: Request, res: Response) => {
  const parts = ['<p>Hello', String(req.query.name), '</p>'];
  res.status(200).send(parts.join(' '));
});

visits.get('/salute', (req: Request, res: Response) => {
  const parts = { name: String(req.query.name), desk: 'front' };
  res.status(200).send('<p>Desk ' + parts.desk + ' knows ' + parts.name.length + ' letters</p>');
});
