// look examines the page as a reader sees it and returns what is wrong, a sentence each. It is a function expression that the
// browser test calls.
() => {
	const wrong = [];
	const say = (what) => { if (wrong.length < 40) wrong.push(what); };
	const name = (e) => {
		const words = (e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 50);
		return `<${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.getAttribute("class") ? "." + e.getAttribute("class").split(/\s+/).join(".") : ""}> "${words}"`;
	};
	const shown = (e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
	const svg = (e) => e.namespaceURI === "http://www.w3.org/2000/svg";

	// The page itself never scrolls sideways.
	const root = document.documentElement;
	if (root.scrollWidth > root.clientWidth) say(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);

	// Nothing is wider than its place, except in the boxes that scroll.
	const all = [...document.body.querySelectorAll("*")].filter(shown);
	const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
	for (const e of all) {
		if (svg(e) || getComputedStyle(e).display === "inline" || scrolls(e) || e.clientWidth === 0) continue;
		if (e.scrollWidth > e.clientWidth + 1) say(`${name(e)} is ${e.scrollWidth} px wide in a place of ${e.clientWidth}`);
		if (["hidden", "clip"].includes(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight + 1) say(`${name(e)} is cut below`);
	}
	// A box that scrolls can be reached by keyboard and has a name.
	for (const e of all.filter((e) => !svg(e) && scrolls(e) && e.scrollWidth > e.clientWidth)) {
		if (e.tabIndex < 0 || !e.getAttribute("aria-label")) say(`${name(e)} scrolls but cannot be reached by keyboard`);
	}

	// Blocks side by side or one below the other never cover each other.
	for (const parent of [document.body, ...all]) {
		if (svg(parent)) continue;
		const boxes = [...parent.children].filter((e) => {
			if (svg(e) && e.tagName !== "svg") return false;
			const s = getComputedStyle(e);
			return shown(e) && s.display !== "inline" && s.display !== "contents" && s.position !== "absolute" && s.position !== "fixed";
		}).map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width > 0 && b.height > 0).sort((a, b) => a[1].top - b[1].top);
		for (let i = 0; i < boxes.length; i++) {
			for (let j = i + 1; j < boxes.length && boxes[j][1].top < boxes[i][1].bottom - 1; j++) {
				const [a, b] = [boxes[i][1], boxes[j][1]];
				if (a.left < b.right - 1 && b.left < a.right - 1) say(`${name(boxes[i][0])} and ${name(boxes[j][0])} cover each other`);
			}
		}
	}

	// Text stands out from what is behind it: WCAG 2.2, 1.4.3.
	const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const seen = new Map();
	const rgba = (css) => {
		if (!seen.has(css)) {
			canvas.clearRect(0, 0, 1, 1);
			canvas.fillStyle = css;
			canvas.fillRect(0, 0, 1, 1);
			const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
			seen.set(css, [r, g, b, a / 255]);
		}
		return seen.get(css);
	};
	const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
	const luminance = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		const layers = [];
		for (let x = e; x; x = x.parentElement) {
			const c = rgba(getComputedStyle(x).backgroundColor);
			if (c[3] > 0) layers.push(c);
			if (c[3] === 1) break;
		}
		let c = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
		for (const l of layers.reverse()) c = over(l, c);
		return c;
	};
	const contrast = (e, ink, paper) => {
		const [x, y] = [luminance(over(ink, paper)), luminance(paper)];
		const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
		if (ratio < 4.5) say(`${name(e)} has a contrast of ${ratio.toFixed(2)}`);
	};
	for (const e of all) {
		if (svg(e) || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
		contrast(e, rgba(getComputedStyle(e).color), behind(e));
		if (parseFloat(getComputedStyle(e).fontSize) < 12) say(`${name(e)} is smaller than 12 px`);
	}
	for (const picture of document.querySelectorAll("svg")) {
		if (!shown(picture)) continue;
		const view = picture.viewBox.baseVal;
		const scale = picture.getScreenCTM().a;
		const rects = [...picture.querySelectorAll("rect")].map((r) => [r, r.getBBox()]);
		const titles = picture.querySelector("title");
		if (picture.getAttribute("role") !== "img" || !titles || !titles.textContent.trim()) say(`${name(picture)} has no title`);
		for (const t of picture.querySelectorAll("text")) {
			const b = t.getBBox();
			if (b.x < -0.5 || b.y < -0.5 || b.x + b.width > view.width + 0.5 || b.y + b.height > view.height + 0.5) say(`${name(t)} is cut by the edge of its picture`);
			const size = parseFloat(getComputedStyle(t).fontSize) * scale;
			if (size < 8.9) say(`${name(t)} is drawn ${size.toFixed(1)} px high`);
			const [x, y] = [b.x + b.width / 2, b.y + b.height / 2];
			let paper = behind(picture);
			for (const [r, box] of rects) {
				if (box.x <= x && x <= box.x + box.width && box.y <= y && y <= box.y + box.height && !(t.compareDocumentPosition(r) & 4)) {
					const s = getComputedStyle(r);
					const fill = rgba(s.fill);
					paper = over([fill[0], fill[1], fill[2], fill[3] * parseFloat(s.fillOpacity)], paper);
				}
			}
			contrast(t, rgba(getComputedStyle(t).fill), paper);
		}
	}

	// What a screen reader goes by.
	let level = 0;
	for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
		const next = Number(h.tagName[1]);
		if (next > level + 1) say(`${name(h)} comes below a heading of level ${level}`);
		level = next;
	}
	for (const t of document.querySelectorAll("table")) {
		if (!t.caption || !t.caption.textContent.trim()) say(`${name(t)} has no caption`);
		for (const h of t.querySelectorAll("th")) if (!h.scope) say(`${name(h)} says not what it heads`);
		const widths = new Set([...t.rows].map((r) => [...r.cells].reduce((n, c) => n + c.colSpan, 0)));
		if (widths.size > 1) say(`${name(t)} has rows of different lengths`);
	}
	if (!document.title || !root.lang) say("the page has no title or no language");
	return wrong;
}
