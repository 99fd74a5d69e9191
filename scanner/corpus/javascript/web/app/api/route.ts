import { NextRequest, NextResponse } from 'next/server';
import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';

const FEEDS = new Set(['https://feeds.example.com', 'https://news.example.org']);

function summary(xml: string): { items: number } {
  return { items: xml.split('<item>').length - 1 };
}

export async function GET(request: NextRequest): Promise<NextResponse> {
  const feed = request.nextUrl.searchParams.get('feed') ?? '';
  const upstream = await fetch(feed, { cache: 'no-store' });
  return NextResponse.json(summary(await upstream.text()));
}

export async function HEAD(request: NextRequest): Promise<NextResponse> {
  const feed = new URL(request.nextUrl.searchParams.get('feed') ?? '', 'https://feeds.example.com');
  if (!FEEDS.has(feed.origin)) {
    return NextResponse.json({ error: 'unknown feed' }, { status: 400 });
  }
  const upstream = await fetch(feed, { cache: 'no-store', redirect: 'error' });
  return NextResponse.json(summary(await upstream.text()));
}

export async function POST(request: NextRequest): Promise<NextResponse> {
  const form = await request.formData();
  const next = String(form.get('next'));
  const store = await cookies();
  store.set('seen', '1', { httpOnly: true, secure: true, sameSite: 'lax' });
  redirect(next);
}

export async function PATCH(request: NextRequest): Promise<NextResponse> {
  const form = await request.formData();
  const target = new URL(String(form.get('next')), request.nextUrl.origin);
  if (target.origin !== request.nextUrl.origin) {
    return NextResponse.redirect(new URL('/', request.nextUrl.origin));
  }
  return NextResponse.redirect(target.href);
}
