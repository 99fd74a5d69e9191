import React, { useEffect, useRef, useState } from 'react';
import DOMPurify from 'dompurify';
import { useRouter } from 'next/router';
import { marked } from 'marked';

interface ReviewProps {
  stars: number;
}

export function Review({ stars }: ReviewProps) {
  const router = useRouter();
  const text = String(router.query.text ?? '');
  const html = marked.parse(text) as string;
  return <section data-stars={stars} dangerouslySetInnerHTML={{ __html: html }} />;
}

export function Opinion({ stars }: ReviewProps) {
  const router = useRouter();
  const text = String(router.query.text ?? '');
  const html = DOMPurify.sanitize(marked.parse(text) as string);
  return <section data-stars={stars} dangerouslySetInnerHTML={{ __html: html }} />;
}

export function Remark({ stars }: ReviewProps) {
  const router = useRouter();
  const text = String(router.query.text ?? '');
  return <section data-stars={stars}>{text}</section>;
}

export function Highlight() {
  const box = useRef<HTMLDivElement>(null);
  const [term] = useState(() => new URLSearchParams(window.location.search).get('term') ?? '');
  useEffect(() => {
    if (box.current) {
      box.current.innerHTML = '<mark>' + term + '</mark>';
    }
  }, [term]);
  return <div ref={box} />;
}

export function Emphasis() {
  const box = useRef<HTMLDivElement>(null);
  const [term] = useState(() => new URLSearchParams(window.location.search).get('term') ?? '');
  useEffect(() => {
    if (box.current) {
      box.current.textContent = term;
    }
  }, [term]);
  return <div ref={box} />;
}
