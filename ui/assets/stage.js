// Keys and buttons of a talk. The slide is told as a number, not as a step: keys pressed fast are never lost.
const KEYS = {
  ArrowRight: "next", ArrowDown: "next", PageDown: "next", " ": "next",
  ArrowLeft: "previous", ArrowUp: "previous", PageUp: "previous",
  Home: "first", End: "last", n: "notes", f: "full", Escape: "leave",
};
const talk = { slide: 1, slides: 1, shown: 0, pressed: null };

const target = (what) =>
  ({ next: talk.slide + 1, previous: talk.slide - 1, first: 1, last: talk.slides })[what];

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {}); // a browser may refuse; the page fills it anyway
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (talk.shown !== data.slide) talk.slide = data.slide;
  Object.assign(talk, { slides: data.slides, shown: data.slide });
  const buttons = [...parentElement.querySelectorAll("button")];
  const drawn = () => {
    parentElement.querySelector(".place").textContent = `${talk.slide} / ${talk.slides}`;
    for (const button of buttons) {
      const slide = target(button.dataset.act);
      button.disabled = slide !== undefined && (slide < 1 || slide > talk.slides);
    }
  };
  const act = (what) => {
    const slide = target(what);
    if (what === "full") fullScreen();
    else if (slide === undefined) setTriggerValue("act", what);
    else if (slide >= 1 && slide <= talk.slides && slide !== talk.slide) {
      talk.slide = slide;
      setTriggerValue("slide", slide);
    }
    drawn();
  };
  const pressed = (event) => {
    const from = event.composedPath()[0];
    const what = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const typing = from.matches?.("input, textarea, select, [contenteditable]");
    const onButton = event.key === " " && from.closest?.("button, a, summary");
    if (!what || typing || onButton || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(what);
  };
  for (const button of buttons) button.onclick = () => act(button.dataset.act);
  document.removeEventListener("keydown", talk.pressed); // this runs again at every slide
  document.addEventListener("keydown", pressed);
  talk.pressed = pressed;
  drawn();
  return () => document.removeEventListener("keydown", talk.pressed);
}
