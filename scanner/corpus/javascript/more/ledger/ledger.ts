import { createCipheriv, createHash, createHmac, generateKeyPairSync, randomBytes, scryptSync, timingSafeEqual } from 'crypto';
import { execSync } from 'child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';
import { NextFunction, Request, Response, Router } from 'express';
import jwt, { JwtPayload } from 'jsonwebtoken';
import csurf from 'csurf';
import session from 'express-session';
import { Pool } from 'pg';

export const ledger = Router();
const pool = new Pool();
const VERBOSE = false;

class EntryRepository {
  constructor(private readonly db: Pool) {}

  async ofAccount(account: string) {
    return this.select(`account = '${account}'`);
  }

  async ofBook(book: string) {
    return this.select('book = $1', [book]);
  }

  private async select(where: string, values: unknown[] = []) {
    const { rows } = await this.db.query(`SELECT * FROM entry WHERE ${where} ORDER BY booked`, values);
    return rows;
  }
}

const entries = new EntryRepository(pool);

ledger.get('/accounts/:account', async (req: Request, res: Response) => {
  res.json(await entries.ofAccount(req.params.account));
});

ledger.get('/ledgers/:book', async (req: Request, res: Response) => {
  res.json(await entries.ofBook(req.params.book));
});

ledger.post('/archive', (req: Request, res: Response) => {
  const steps: string[] = [];
  steps.push('cd /srv/ledger');
  steps.push('tar czf ' + req.body.name + ' entries');
  execSync(steps.join(' && '));
  res.sendStatus(204);
});

ledger.post('/compact', (req: Request, res: Response) => {
  const steps: string[] = [];
  steps.push(req.body.name);
  steps.push('tar czf entries.tgz entries');
  steps.shift();
  execSync(steps[0], { cwd: '/srv/ledger' });
  res.sendStatus(204);
});

ledger.post('/check', (req: Request, res: Response) => {
  let command = 'ledger-check';
  if (VERBOSE) {
    command += ' ' + req.body.options;
  }
  execSync(command);
  res.sendStatus(204);
});

export function holder(token: string, key: string): string | undefined {
  const parts = jwt.decode(token, { complete: true });
  if (parts && parts.header.alg !== 'none') {
    return (jwt.verify(token, key, { algorithms: ['HS256'] }) as JwtPayload).sub;
  }
  return (parts?.payload as JwtPayload | undefined)?.sub;
}

export function owner(token: string, key: string): string | undefined {
  const claims = jwt.verify(token, key, { algorithms: ['HS256'] }) as JwtPayload;
  return claims.sub;
}

export function issue(sub: string): string {
  return jwt.sign({ sub }, 'walnut-ferry-cabinet', { expiresIn: '1h' });
}

export function grant(sub: string): string {
  return jwt.sign({ sub }, process.env.LEDGER_KEY as string, { expiresIn: '1h' });
}

export function chain(previous: string, entry: string): string {
  return createHash('md5').update(previous).update(entry).digest('hex');
}

export function link(previous: string, entry: string): string {
  return createHash('sha256').update(previous).update(entry).digest('hex');
}

export function conceal(key: Buffer, text: string): string {
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16));
  return cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
}

export function cover(key: Buffer, text: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return iv.toString('hex') + cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
}

export function branchKeys() {
  return generateKeyPairSync('rsa', { modulusLength: 1024 });
}

export function officeKeys() {
  return generateKeyPairSync('rsa', { modulusLength: 3072 });
}

export function publish(name: string): void {
  const folder = join('/srv/ledger/public', name);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
}

export function stash(name: string): void {
  const folder = join('/srv/ledger/public', name);
  mkdirSync(folder);
  chmodSync(folder, 0o700);
}

export function webSession(secret: string) {
  return session({ secret, resave: false, saveUninitialized: false, cookie: { httpOnly: false, secure: true } });
}

export function deskSession(secret: string) {
  return session({ secret, resave: false, saveUninitialized: false, cookie: { httpOnly: true, secure: true, sameSite: 'lax' } });
}
