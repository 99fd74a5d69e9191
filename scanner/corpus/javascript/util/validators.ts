import type { Request, Response } from 'express';

const NAME = /^([A-Za-z]+[ '-]?)+$/;
const PLAIN_NAME = /^[A-Za-z]+(?:[ '-][A-Za-z]+){0,4}$/;

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function reject(res: Response, field: string): void {
  res.status(422).json({ field, error: 'invalid' });
}

export function checkName(req: Request, res: Response): void {
  if (!NAME.test(req.body.name)) {
    reject(res, 'name');
    return;
  }
  res.sendStatus(204);
}

export function checkPlainName(req: Request, res: Response): void {
  if (!PLAIN_NAME.test(String(req.body.name).slice(0, 100))) {
    reject(res, 'name');
    return;
  }
  res.sendStatus(204);
}

export function grep(req: Request, res: Response): void {
  const pattern = new RegExp(req.query.pattern as string, 'i');
  const lines: string[] = req.app.locals.lines;
  res.json(lines.filter((line) => pattern.test(line)));
}

export function grepText(req: Request, res: Response): void {
  const pattern = new RegExp(escapeRegExp(String(req.query.pattern)), 'i');
  const lines: string[] = req.app.locals.lines;
  res.json(lines.filter((line) => pattern.test(line)));
}

export function highlight(req: Request, res: Response): void {
  const needle = escapeRegExp(String(req.query.needle));
  const text: string = req.app.locals.article;
  res.type('text/plain').send(text.replace(new RegExp(needle, 'g'), (hit) => `[${hit}]`));
}
