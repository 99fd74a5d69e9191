import { headers } from 'next/headers';
import { exec } from 'node:child_process';
import { Pool } from 'pg';

const pool = new Pool();

interface PageProps {
  searchParams: Promise<{ tag?: string; page?: string; lang?: string }>;
}

interface Post {
  id: number;
  title: string;
}

function PostList({ posts }: { posts: Post[] }) {
  return (
    <ul>
      {posts.map((post) => (
        <li key={post.id}>{post.title}</li>
      ))}
    </ul>
  );
}

export async function TaggedPosts({ searchParams }: PageProps) {
  const { tag } = await searchParams;
  const where = tag ? `WHERE tag = '${tag}'` : '';
  const result = await pool.query<Post>(`SELECT id, title FROM posts ${where} ORDER BY id DESC`);
  return <PostList posts={result.rows} />;
}

export async function PagedPosts({ searchParams }: PageProps) {
  const { page } = await searchParams;
  const offset = (Math.max(1, Number(page) || 1) - 1) * 20;
  const result = await pool.query<Post>(`SELECT id, title FROM posts ORDER BY id DESC LIMIT 20 OFFSET ${offset}`);
  return <PostList posts={result.rows} />;
}

export async function warmTag(formData: FormData): Promise<void> {
  'use server';
  const tag = formData.get('tag');
  exec(`node scripts/warm.mjs --tag=${tag}`);
}

export async function LanguageNotice() {
  const incoming = await headers();
  const language = incoming.get('accept-language') ?? 'en';
  return <p lang={language.slice(0, 2)}>Shown in {language}</p>;
}

export default async function Page(props: PageProps) {
  return (
    <section>
      <LanguageNotice />
      <TaggedPosts {...props} />
    </section>
  );
}
