"""The page in which `dvc plots show` puts its charts, with Vega within it, so that it needs no network.

`python -m tools.plots_page` writes `.dvc/plots/page.html` anew, from the Vega that `vl-convert-python` brings.
`plots.html_template` of `.dvc/config` names it; the page of DVC itself fetches Vega whenever it is opened.
"""

from pathlib import Path

import vl_convert

from mathse.report.drawing import VEGA_LITE

PAGE = Path(".dvc/plots/page.html")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
    <meta charset="utf-8">
    {{refresh_tag}}
    <title>MathSE: plots</title>
    <!-- Vega {vega}, Vega-Lite {vega_lite} and Vega-Embed {embed}, BSD-3-Clause: https://github.com/vega -->
    <script>{bundle}</script>
    <script>
        // DVC makes a chart of every file, of one without rows an empty one; what reports/metrics has is drawn above.
        {{
            const embed = window.vegaEmbed;
            window.vegaEmbed = (place, spec) =>
                !spec.data || spec.title?.text?.startsWith?.("reports/metrics/")
                    ? document.querySelector(place).remove()
                    : embed(place, spec);
        }}
    </script>
    <style>
        body {{ font-family: sans-serif; margin: 1rem; }}
        body > div {{ margin: 0 0 2rem; overflow-x: auto; }}
        img {{ max-width: 100%; }}
    </style>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def page() -> str:
    """The page; DVC puts the charts in place of `{plot_divs}`."""
    return _PAGE.format(
        vega=vl_convert.get_vega_version(),
        vega_lite=VEGA_LITE,
        embed=vl_convert.get_vega_embed_version(),
        bundle=vl_convert.javascript_bundle(vl_version=VEGA_LITE),  # type: ignore[call-arg]  # its stub wants a snippet
    )


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
