(function () {
  "use strict";
  // Both themes are drawn and the style sheet shows one: paper is always light, whatever the screen is.
  var charts = JSON.parse(document.getElementById("charts").textContent);
  var places = Array.from(document.querySelectorAll("[data-chart]"));
  var themes = ["light", "dark"];

  var NARROW = 500, WIDEST = 960; // [px]
  var ERRORS = 1; // of Vega's levels: a warning of a layout is nothing for who reads the report

  function draw(place) {
    var chart = charts[Number(place.dataset.chart)];
    var width = Math.min(place.clientWidth, WIDEST);
    return Promise.all(themes.map(function (theme) {
      var box = place.querySelector("." + theme) || place.appendChild(document.createElement("div"));
      box.className = theme;
      var narrow = width < NARROW ? { legend: Object.assign({}, chart.specs[theme].config.legend, { columns: 2 }) } : {};
      var spec = Object.assign({}, chart.specs[theme], {
        config: Object.assign({}, chart.specs[theme].config, narrow), datasets: chart.datasets, width: width, autosize: { type: "fit-x", contains: "padding" }
      });
      return vegaEmbed(box, spec, { renderer: "svg", actions: false, ast: true, logLevel: ERRORS });
    }));
  }

  function drawAll() {
    return Promise.all(places.map(draw)).then(function () { document.body.dataset.drawn = String(places.length); });
  }

  var waiting, last = window.innerWidth;
  window.addEventListener("resize", function () {
    if (window.innerWidth === last) { return; }
    last = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });
  drawAll();
})();
