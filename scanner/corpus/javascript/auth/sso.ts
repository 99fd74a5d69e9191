import type { Context } from 'koa';
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import jwt, { JwtPayload } from 'jsonwebtoken';

const KEY = Buffer.from(process.env.STATE_KEY ?? '', 'hex');

interface State {
  returnTo: string;
  nonce: string;
}

function parseState(raw: string): State {
  return JSON.parse(Buffer.from(raw, 'base64url').toString('utf8')) as State;
}

export async function callback(ctx: Context): Promise<void> {
  const state = parseState(String(ctx.query.state));
  ctx.redirect(state.returnTo);
}

export async function callbackShop(ctx: Context): Promise<void> {
  const state = parseState(String(ctx.query.state));
  const target = new URL(state.returnTo, 'https://shop.example.com');
  ctx.redirect(target.origin === 'https://shop.example.com' ? target.href : 'https://shop.example.com/');
}

export function sealState(state: State): string {
  const cipher = createCipheriv('aes-256-ecb', KEY, null);
  return Buffer.concat([cipher.update(JSON.stringify(state)), cipher.final()]).toString('base64url');
}

export function sealStateWithTag(state: State): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, iv);
  const body = Buffer.concat([cipher.update(JSON.stringify(state)), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
}

export function issueToken(userId: string): string {
  return jwt.sign({ sub: userId }, 'harbour-signal-77-evening', { expiresIn: '2h' });
}

export function issueSession(userId: string): string {
  const secret = process.env.SESSION_SECRET;
  if (!secret) throw new Error('SESSION_SECRET is not set');
  return jwt.sign({ sub: userId }, secret, { expiresIn: '2h', algorithm: 'HS256' });
}

export function readToken(ctx: Context): JwtPayload {
  const [header, body] = String(ctx.cookies.get('token')).split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString());
  ctx.state.alg = alg;
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as JwtPayload;
}

export function signWebhook(body: string): string {
  const etag = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return `${etag}.${createHmac('sha256', KEY).update(body).digest('hex')}`;
}

export function readSession(ctx: Context): JwtPayload {
  const token = String(ctx.cookies.get('token'));
  const secret = process.env.SESSION_SECRET as string;
  return jwt.verify(token, secret, { algorithms: ['HS256'] }) as JwtPayload;
}
