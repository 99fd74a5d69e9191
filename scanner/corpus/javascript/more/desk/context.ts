import type { NextFunction, Request, RequestHandler, Response } from 'express';

export interface Paging {
  offset: number;
  size: number;
  order: string;
}

export function paging(req: Request): Paging {
  return {
    offset: Math.max(0, Number(req.query.offset) || 0),
    size: Math.min(100, Number(req.query.size) || 20),
    order: String(req.query.order ?? 'id'),
  };
}

export function wrapped(handler: (req: Request, res: Response) => Promise<unknown>): RequestHandler {
  return (req: Request, res: Response, next: NextFunction) => {
    handler(req, res).catch(next);
  };
}

export function firstOf(value: unknown): string {
  const one = Array.isArray(value) ? value[0] : value;
  return one === undefined ? '' : String(one);
}

export function slug(value: unknown): string {
  return firstOf(value).toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
