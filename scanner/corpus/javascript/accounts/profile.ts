import { PrismaClient } from '@prisma/client';
import type { NextFunction, Request, Response } from 'express';
import { Router } from 'express';
import { createHash, randomBytes, scryptSync } from 'node:crypto';

const prisma = new PrismaClient();
export const profiles = Router();

type Editable = { displayName?: string; bio?: string; timezone?: string };

function pickEditable(input: Record<string, unknown>): Editable {
  const out: Editable = {};
  if (typeof input.displayName === 'string') out.displayName = input.displayName;
  if (typeof input.bio === 'string') out.bio = input.bio;
  if (typeof input.timezone === 'string') out.timezone = input.timezone;
  return out;
}

export async function findByHandle(req: Request, res: Response) {
  const handle = req.params.handle;
  const sql = ['SELECT id, handle, display_name FROM users', `WHERE handle = '${handle}'`, 'LIMIT 1'].join(' ');
  const rows = await prisma.$queryRawUnsafe<unknown[]>(sql);
  res.json(rows[0] ?? null);
}

export async function findByEmail(req: Request, res: Response) {
  const email = req.params.email;
  const rows: unknown[] = await prisma.$queryRaw`SELECT id, handle FROM users WHERE email = ${email} LIMIT 1`;
  res.json(rows[0] ?? null);
}

export async function updateProfile(req: Request, res: Response, next: NextFunction) {
  try {
    const user = await prisma.user.update({
      where: { id: res.locals.userId as number },
      data: req.body,
    });
    res.json({ id: user.id, role: user.role });
  } catch (err) {
    next(err);
  }
}

export async function patchProfile(req: Request, res: Response, next: NextFunction) {
  try {
    const user = await prisma.user.update({
      where: { id: res.locals.userId as number },
      data: pickEditable(req.body),
    });
    res.json({ id: user.id, role: user.role });
  } catch (err) {
    next(err);
  }
}

export async function changePassword(req: Request, res: Response) {
  const digest = createHash('md5').update(req.body.password).digest('hex');
  await prisma.credential.update({
    where: { userId: res.locals.userId as number },
    data: { passwordHash: digest },
  });
  res.sendStatus(204);
}

export async function resetPassword(req: Request, res: Response) {
  const salt = randomBytes(16);
  const digest = scryptSync(String(req.body.password), salt, 64, { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 });
  await prisma.credential.update({
    where: { userId: res.locals.userId as number },
    data: { passwordHash: `${salt.toString('hex')}:${digest.toString('hex')}` },
  });
  res.sendStatus(204);
}

profiles.get('/h/:handle', findByHandle);
profiles.get('/e/:email', findByEmail);
profiles.put('/me', updateProfile);
profiles.patch('/me', patchProfile);
profiles.post('/me/password', changePassword);
profiles.post('/me/reset', resetPassword);
