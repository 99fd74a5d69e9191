import Head from 'next/head';
import sanitizeHtml from 'sanitize-html';
import { query } from '../../server/db';

function Layout({ title, children }) {
  return (
    <>
      <Head>
        <title>{title}</title>
      </Head>
      <main>{children}</main>
    </>
  );
}

export async function getServerSideProps({ query: params, req }) {
  const rows = await query('SELECT title, body FROM articles WHERE slug = $1', [params.slug]);
  return { props: { article: rows[0] ?? null, note: params.note ?? '', theme: req.cookies.theme ?? 'light' } };
}

export function ArticleNote({ router }) {
  const note = router.query.note;
  const parts = { lead: 'Editor: ', rest: note };
  return <aside dangerouslySetInnerHTML={{ __html: parts.lead + parts.rest }} />;
}

export function ArticleHint({ router }) {
  const note = sanitizeHtml(router.query.note ?? '', { allowedTags: ['b', 'i'], allowedAttributes: {} });
  return <aside dangerouslySetInnerHTML={{ __html: note }} />;
}

export function BackLink({ router }) {
  const crumb = router.query.from;
  const attach = (node) => node && node.insertAdjacentHTML('beforeend', `<span>Back to ${crumb}</span>`);
  return <nav ref={attach} />;
}

export function HomeLink({ router }) {
  const crumb = encodeURIComponent(router.query.from ?? '');
  const attach = (node) => node && node.insertAdjacentHTML('beforeend', `<a href="/articles?from=${crumb}">Home</a>`);
  return <nav ref={attach} />;
}

export function ThemeStyle({ router }) {
  let markup = `<p>${router.query.theme}</p>`;
  markup = '<p>Theme settings</p>';
  return <div dangerouslySetInnerHTML={{ __html: markup }} />;
}

export default function Article({ article, note }) {
  return (
    <Layout title={article ? article.title : 'Not found'}>
      <h1>{article?.title}</h1>
      <p>{note}</p>
    </Layout>
  );
}
