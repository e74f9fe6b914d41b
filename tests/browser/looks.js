// Run inside a page by looks.py: lists texts that are too faint (WCAG 2 AA), controls that a screen
// reader can't name, pictures without alt, and pages without exactly one h1 and one main.
() => {
  const isShown = (each) =>
    each.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

  function channels(color) {
    const [r, g, b, alpha = 1] = color.match(/[\d.]+(e-?\d+)?/g).map(Number);
    return color.startsWith("color(") ? [r * 255, g * 255, b * 255, alpha] : [r, g, b, alpha];
  }

  function over(top, under) {
    const mix = (i) => top[i] * top[3] + under[i] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  }

  function behind(element) {
    if (!element) return [255, 255, 255, 1];
    const own = channels(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, behind(element.parentElement));
  }

  function luminance(color) {
    const [r, g, b] = color.slice(0, 3).map((value) => {
      const x = value / 255;
      return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(element) {
    const back = behind(element);
    const text = over(channels(getComputedStyle(element).color), back);
    const [dark, light] = [luminance(text), luminance(back)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  function enough(element) {
    const { fontSize, fontWeight } = getComputedStyle(element);
    const size = parseFloat(fontSize);
    return size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
  }

  function faint() {
    const exempt = "svg, :disabled, [aria-disabled=true], .visually-hidden, noscript";
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const words = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (!words || !isShown(element) || element.closest(exempt)) continue;
      const ratio = contrast(element);
      if (ratio < enough(element)) found.push(`faint ${ratio.toFixed(2)}: ${words.slice(0, 40)}`);
    }
    return found;
  }

  function hasName(each) {
    if (each.labels) return each.labels.length || each.ariaLabel || each.innerText.trim();
    return each.ariaLabel || each.title || each.innerText.trim() || each.querySelector("img[alt]");
  }

  function nameless() {
    const controls = "button, a[href], summary, input:not([type=hidden]), select, textarea";
    const found = [...document.querySelectorAll(controls)].filter(
      (each) => isShown(each) && !hasName(each),
    );
    return [...found, ...document.querySelectorAll("img:not([alt])")].map(
      (each) => `nameless: ${each.outerHTML.slice(0, 120)}`,
    );
  }

  function structure() {
    const wrong = [];
    for (const tag of ["h1", "main"]) {
      const count = [...document.querySelectorAll(tag)].filter(isShown).length;
      if (count !== 1) wrong.push(`${count} × <${tag}>`);
    }
    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
    return [...wrong, ...twice.map((id) => `twice: #${id}`)];
  }

  const { scrollWidth, clientWidth } = document.documentElement;
  const wide = scrollWidth > clientWidth ? [`${scrollWidth - clientWidth} px too wide`] : [];
  return [...wide, ...faint(), ...nameless(), ...structure()];
}
