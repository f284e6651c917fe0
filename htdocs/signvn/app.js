// What every page shares: language, errors in words, requests with the token.
'use strict';
const App = (() => {
    const API = '/signvn/v1', HOME = location.origin;   // never the address bar's own user and password
    let language = localStorage.getItem('signvn.lang') === 'en' ? 'en' : 'vi';
    let session = null;

    const t = key => (TEXTS[key] && (TEXTS[key][language] || TEXTS[key].vi || TEXTS[key].en)) || key;
    const $ = id => document.getElementById(id);

    // Elements are made by parts; text is always text, never markup.
    function el(name, attributes, ...children) {
        const node = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {})) {
            if (key === 'on') for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
            else if (value === true) node.setAttribute(key, '');
            else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
        }
        node.append(...children.filter(child => child !== null && child !== undefined));
        return node;
    }

    const ICONS = {
        good: 'M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm-1.6 16.2-4.6-4.6 1.7-1.7 2.9 2.9 6.1-6.1 1.7 1.7z',
        bad: 'M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm5 14.3L15.3 17 12 13.7 8.7 17 7 15.3l3.3-3.3L7 8.7 8.7 7l3.3 3.3L15.3 7 17 8.7 13.7 12z',
        info: 'M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm-1 5h2v2.2h-2zm0 4h2v8h-2z',
        unsure: 'M12 2 .8 21.5h22.4zM11 9h2v6.5h-2zm0 8h2v2h-2z',
    };
    function icon(name) {
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        svg.setAttribute('viewBox', '0 0 24 24');
        svg.setAttribute('aria-hidden', 'true');
        path.setAttribute('d', ICONS[name]);
        path.setAttribute('fill', 'currentColor');
        svg.append(path);
        return svg;
    }

    // 2026-11-20T10:05:33+07:00 -> 20-11-2026 10:05:33 +07:00, as the texts write it.
    function time(text) {
        const m = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?([+-]\d\d:\d\d|Z))?/.exec(text || '');
        return m ? `${m[3]}-${m[2]}-${m[1]}${m[4] ? ` ${m[4]} ${m[5]}` : ''}` : text || '';
    }
    const size = n => n >= 1048576 ? `${(n / 1048576).toFixed(1)} MB` : n >= 1024 ? `${(n / 1024).toFixed(0)} KB` : `${n} B`;

    class Problem extends Error {
        constructor(status, body) { super((body && body[language]) || t('error.network')); this.status = status; this.body = body || {}; this.code = this.body.code; }
    }

    async function loadSession() {
        const answer = await fetch(`${HOME}${API}/session`, { headers: { 'Accept-Language': language }, credentials: 'same-origin' });
        if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => null));
        session = await answer.json();
        return session;
    }

    // One request; the token is fetched anew once when the server was restarted.
    async function request(method, path, { body, headers, raw } = {}, again = true) {
        const all = { 'Accept-Language': language, Accept: 'application/json', ...headers };
        if (method !== 'GET') {
            if (!session) await loadSession();
            all['X-SignVN-CSRF'] = session.csrf;
        }
        if (body && !(body instanceof FormData) && !(body instanceof Blob)) { all['Content-Type'] = 'application/json'; body = JSON.stringify(body); }
        let answer;
        try {
            answer = await fetch(HOME + (path.startsWith('/') ? path : `${API}/${path}`), { method, body, headers: all, credentials: 'same-origin' });
        } catch (e) {
            throw new Problem(0, null);
        }
        if (answer.ok || answer.status === 304) return raw ? answer : answer.status === 204 || answer.status === 304 ? null : answer.json();
        const problem = new Problem(answer.status, await answer.json().catch(() => null));
        if (problem.code === 'csrf.refused' && again) { session = null; return request(method, path, { body, headers, raw }, false); }
        throw problem;
    }

    function say(where, kind, ...children) {
        where.replaceChildren(el('div', { class: `message ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, ...children));
    }
    function sayError(where, error) {
        if (!(error instanceof Problem)) console.error(error);
        const detail = error.body && error.body.detail && error.body.detail !== error.message ? error.body.detail : null;
        say(where, 'bad', el('div', {}, error.message), detail ? el('div', { class: 'hint' }, detail) : null,
            error.code ? el('div', { class: 'hint' }, `${t('error.code')}: `, el('code', {}, error.code)) : null);
    }
    // Something takes its time: a moving sign and the word for it.
    function working(where, text) {
        where.replaceChildren(el('div', { class: 'working' }, el('i', { 'aria-hidden': 'true' }), text));
    }
    // A part that appears is where eyes and keyboard go next.
    function show(part) {
        part.scrollIntoView({ block: 'start' });
        const head = part.querySelector('[tabindex="-1"]');
        if (head) head.focus({ preventScroll: true });
    }
    const quiet = where => where.replaceChildren();

    function translate() {
        document.documentElement.lang = language;
        for (const node of document.querySelectorAll('[data-t]')) {
            if (!node.dataset.vi) node.dataset.vi = node.textContent;
            node.textContent = language === 'en' ? t(node.dataset.t) : node.dataset.vi;
        }
        for (const node of document.querySelectorAll('[data-title-t]')) document.title = language === 'en' ? t(node.dataset.titleT) : node.dataset.vi || node.textContent;
        $('lang').textContent = t('lang');
    }

    async function start(onReady) {
        $('lang').addEventListener('click', () => {
            language = language === 'vi' ? 'en' : 'vi';
            localStorage.setItem('signvn.lang', language);
            location.reload();
        });
        translate();
        try {
            await loadSession();
            $('who').textContent = `${session.practice ? t('practice') + ' · ' : ''}${t('user')}: ${session.name || session.account || ''}`;
        } catch (error) {
            sayError($('message'), error);
        }
        if (onReady) onReady(session || {});
    }

    return { API, t, $, el, icon, time, size, request, say, sayError, working, show, quiet, start, Problem, language: () => language };
})();
