import { useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import DOMPurify from 'dompurify';
import { marked } from 'marked';

interface CommentData {
  id: number;
  author: string;
  text: string;
}

interface CommentProps {
  comment: CommentData;
}

function formatAuthor(name: string): string {
  return name.length > 24 ? `${name.slice(0, 24)}…` : name;
}

export function MarkdownComment({ comment }: CommentProps) {
  const html = DOMPurify.sanitize(marked.parse(comment.text) as string);
  return (
    <article>
      <h3>{formatAuthor(comment.author)}</h3>
      <div dangerouslySetInnerHTML={{ __html: html }} />
    </article>
  );
}

export function SearchBanner() {
  const [params] = useSearchParams();
  const heading = `Results for <em>${params.get('q') ?? ''}</em>`;
  return <h2 dangerouslySetInnerHTML={{ __html: heading }} />;
}

export function SearchTitle() {
  const [params] = useSearchParams();
  const heading = `Results for ${params.get('q') ?? ''}`;
  return <h2 title={heading}>{heading}</h2>;
}

export function TabPanel() {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const name = decodeURIComponent(window.location.hash.slice(1));
    if (panel.current) {
      panel.current.innerHTML = '<b>' + name + '</b>';
    }
  }, []);
  return <div ref={panel} className="panel" />;
}

export function TabLabel() {
  const label = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const name = decodeURIComponent(window.location.hash.slice(1));
    if (label.current) {
      label.current.textContent = 'Tab: ' + name;
    }
  }, []);
  return <div ref={label} className="label" />;
}

export function ReplyBox({ onSend }: { onSend: (text: string) => void }) {
  const [text, setText] = useState('');
  return (
    <form onSubmit={(event) => { event.preventDefault(); onSend(text); }}>
      <textarea value={text} onChange={(event) => setText(event.target.value)} />
      <button type="submit">Reply</button>
    </form>
  );
}
