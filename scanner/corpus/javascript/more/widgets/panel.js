const panel = document.querySelector('#panel');
const list = document.querySelector('#list');
const settings = { columns: 2 };

function showTab() {
  const tab = decodeURIComponent(location.hash.slice(1));
  panel.innerHTML = `<h2>${tab}</h2><div class="body"></div>`;
}

function showTitle() {
  const tab = decodeURIComponent(location.hash.slice(1));
  const title = document.createElement('h2');
  title.textContent = tab;
  panel.replaceChildren(title);
}

window.addEventListener('message', (event) => {
  if (event.data && event.data.kind === 'notice') {
    list.insertAdjacentHTML('beforeend', '<li>' + event.data.text + '</li>');
  }
});

function backLink() {
  const link = document.createElement('a');
  link.href = new URLSearchParams(location.search).get('back') || '/';
  link.textContent = 'Back';
  panel.append(link);
}

function homeLink() {
  const link = document.createElement('a');
  const url = new URL(new URLSearchParams(location.search).get('back') || '/', location.origin);
  link.href = url.protocol === 'https:' || url.protocol === 'http:' ? url.href : '/';
  link.textContent = 'Back';
  panel.append(link);
}

function proceed() {
  const next = new URLSearchParams(window.location.search).get('next');
  if (next) {
    window.location.assign(next);
  }
}

function advance() {
  const next = new URL(new URLSearchParams(window.location.search).get('next') || '/', window.location.origin);
  if (next.origin === window.location.origin) {
    window.location.assign(next);
  }
}

function autoRefresh() {
  const seconds = new URLSearchParams(location.search).get('every') || '30';
  setTimeout('refresh(' + seconds + ')', 1000);
}

function slowRefresh() {
  const seconds = Number(new URLSearchParams(location.search).get('every')) || 30;
  setTimeout(() => refresh(seconds), 1000);
}

function refresh(seconds) {
  settings.refreshed = Date.now();
  setTimeout(refresh, seconds * 1000, seconds);
}

export { showTab, showTitle, backLink, homeLink, proceed, advance, autoRefresh, slowRefresh, refresh };
