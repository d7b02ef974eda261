// Plain old JavaScript, in a file of its own: it runs where the dashboard's script does not,
// because the browser is too old to read it or because the file did not arrive, and shows it.
(function () {
  if (!window.hexsealRuns) {
    var box = document.getElementById("unstarted");
    if (box) {
      box.hidden = false;
      box.removeAttribute("hidden");
    }
    document.documentElement.setAttribute("data-hexseal", "error");
  }
})();
