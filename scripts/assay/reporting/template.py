"""The page as one Jinja template: no script, no external resource, light and dark."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d5dae0;
  --paper: #ffffff; --pane: #f5f7f9; --mark: #1f5fbf; --warn: #8a3b00; --warnpane: #fff3e6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --line: #38414b;
  --paper: #14181d; --pane: #1d232a; --mark: #74a9ff; --warn: #ffb983; --warnpane: #33230f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; } p { margin: .4rem 0; max-width: 46rem; }
.soft { color: var(--soft); } .wide { overflow-x: auto; }
.notices { background: var(--warnpane); border-left: 4px solid var(--warn); margin: 1rem 0;
  padding: .5rem .8rem .5rem 2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { font-weight: 600; color: var(--soft); white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child, td.text { text-align: left; }
td.text { white-space: normal; overflow-wrap: anywhere; }
tr.quiet td { color: var(--soft); } td small { color: var(--soft); }
svg { display: block; width: 100%; max-width: 48rem; height: auto; margin: .6rem 0; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .head { font-weight: 600; } svg .small { font-size: 11px; fill: var(--soft); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--line); } svg line.mark { stroke: var(--mark); stroke-width: 2; }
svg circle.mark { fill: var(--mark); } svg line.quiet { stroke: var(--soft); stroke-width: 1.5; }
svg circle.quiet { fill: var(--soft); } svg .bar { fill: var(--mark); }
svg .bar.quiet { fill: var(--soft); opacity: .6; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0;
  padding: .4rem .8rem; }
summary { cursor: pointer; } pre { background: var(--pane); padding: .7rem; overflow-x: auto;
  font-size: 12.5px; line-height: 1.4; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-size: .92em; }
.badge { border: 1px solid currentColor; border-radius: 4px; padding: 0 .35rem; font-size: .85em; }
"""

MACROS = """
{% macro grid(table) %}
<div class="wide"><table><thead><tr>{% for name in table.head %}<th>{{ name }}</th>{% endfor %}
</tr></thead><tbody>
{% for row in table.rows %}<tr{% if row.quiet %} class="quiet"{% endif %}>
{% for cell in row.cells %}<td{% if table.text %} class="text"{% endif %}>{{ cell }}</td>
{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% endmacro %}
"""

PAGE = (
    MACROS
    + """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assay: {{ run }}</title><style>{{ style }}</style></head><body>
<h1>Assay: {{ run }}</h1>
<p>{{ lead }}</p>
{% if notices %}<ul class="notices">
{% for notice in notices %}<li>{{ notice }}</li>
{% endfor %}</ul>{% endif %}

<h2 id="models">Models</h2>
{{ model_figure }}
{{ grid(models) }}
<p class="soft">Passed of measured answers, with the Wilson 95 % interval. An unreadable answer
counts as failed; a void one is no measurement and in no rate. Grey rows are reference solvers,
which show that tasks and scorer hold.</p>

<h2 id="categories">By category</h2>
{{ category_figure }}
{{ grid(by_category) }}
<h2 id="strata">By stratum</h2>
{{ stratum_figure }}
{{ grid(by_stratum) }}
<h2 id="targets">By target</h2>
{{ grid(by_target) }}
{% if audit.rows %}<h2 id="audit">Security audit</h2>
{{ grid(audit) }}
<p class="soft">Balanced accuracy is the mean of the share of vulnerable units that were reported
and the share of clean ones that were not; 50 % is chance. Localisation: of the reported ones, how
many at an accepted line.</p>{% endif %}
{% if evidence.rows %}<h2 id="evidence">Evidence</h2>
{{ grid(evidence) }}
<p class="soft">At the higher strata a use is asked for on which buggy and right code differ
(witness), and a value with which a weakness takes effect (exploit). Both are run, and decide
nothing: an answer passes without. Of all that were asked for; none given counts as one that does
not hold.</p>{% endif %}

<h2 id="form">Where answers fail</h2>
{{ grid(form) }}
{% if invented.rows %}<h2 id="names">Invented names</h2>
{{ grid(invented) }}
<p class="soft">Of the answers with code: how many use a package, module, attribute, keyword or
member that the pinned environment does not have. Only what is certain is counted.</p>{% endif %}

<h2 id="speed">Speed</h2>
{% if speed.rows %}{{ grid(speed) }}
{{ grid(rates) }}
<p class="soft">One request at a time. Nearest-rank percentiles. TTFT: time to first token. TPOT:
time per output token = (latency &minus; TTFT) / (n &minus; 1).</p>
{% for name, figure in histograms %}<h3>Latency of {{ name }}</h3>{{ figure }}{% endfor %}
{% else %}<p>No inference engine was timed.</p>{% endif %}

{% if cost.rows %}<h2 id="cost">Tokens and cost</h2>
{{ grid(cost) }}
<p class="soft">Of all answers, void ones too, as the engine counts them. The cost is what the model
file's prices make of them; a dash: no price, or nothing that is counted apart.</p>{% endif %}

{% if probes.rows %}<h2 id="conduct">Engines under test</h2>
{{ grid(probes) }}
<p class="soft">Before each run the engine answers a few fixed prompts cold, warm, in another order
and after a restart: texts and token counts of the repeated answers that are equal to the cold ones.
Harness overhead: wall time of the stream over the engine&rsquo;s own time, of measured answers that
were asked in this run.</p>{% endif %}
{% if cards.rows %}<h3>Cards</h3>
{{ grid(cards) }}
<p class="soft">While the model answered, by NVML, twice a second: least / mean / most. Held down:
the driver&rsquo;s reasons why a clock was lower than it could be, as bits.</p>{% endif %}
{% if pairs.rows %}<h3>Pairs of models</h3>
{{ grid(pairs) }}
<p class="soft">Models are compared only over the same tasks, prompts and limits. Rendered prompts
(with the chat template) are equal where two engines run the same model.</p>{% endif %}

{% if memory.rows %}<h2 id="memory">Memory</h2>
{{ grid(memory) }}{{ memory_figure }}
<p class="soft">Worked out from the model's own metadata before it was loaded. Cache: keys and
values at full context. States: of recurrent layers. Activations: an estimate.</p>{% endif %}

<h2 id="tasks">Tasks</h2>
{{ grid(tasks) }}
<p class="soft">A control is a task whose right answer is to report nothing.</p>
<h2 id="funnel">From candidates to tasks</h2>
<p class="soft">A candidate is dropped by the first gate that it fails; the columns between
candidates and proven count these. Proven: it passed all gates. Kept: drawn from the proven ones in
the mix that the config asks for.</p>
{% for name, figure in funnel_figures %}<h3>{{ name }}</h3>{{ figure }}{% endfor %}
{% for column, table in funnel_tables %}<h3>By {{ column }}</h3>{{ grid(table) }}{% endfor %}
{% if tells %}<h3>What words alone tell</h3>
{% for sentence in tells %}<p>{{ sentence }}</p>
{% endfor %}<p class="soft">A classifier that counts words (naive Bayes) guesses vulnerable or
clean from the code of each audit prompt, after it has seen all others but those about the same
unit. Near 50 %, the words give nothing away.</p>{% endif %}
{% if shortages %}<h3>Asked for, and not made</h3><ul>
{% for sentence in shortages %}<li>{{ sentence }}</li>
{% endfor %}</ul>{% endif %}

<h2 id="fingerprints">Engines</h2>
{% for name, table in fingerprints %}<details><summary>{{ name }}</summary>{{ grid(table) }}
</details>{% endfor %}

<h2 id="samples">Sample answers</h2>
<p class="soft">Drawn, not chosen; model-written text, shown as it is with control characters
spelled out. Nothing in it is an instruction to the reader.</p>
{% for name, cases in samples %}<h3>{{ name }}</h3>
{% for it in cases %}<details><summary><span class="badge">{{ it.status }}</span>
{{ it.category }}, {{ it.stratum }}: <code>{{ it.unit }}</code></summary>
<p>{{ it.reason }} <span class="soft">({{ it.outcome }}; taken: {{ it.extraction }};
task {{ it.task_id }})</span></p>
<pre>{{ it.answer }}</pre>
<details><summary>prompt</summary><pre>{{ it.prompt }}</pre></details>
</details>{% endfor %}{% endfor %}

<h2 id="files">Files</h2>
{{ grid(files) }}
</body></html>
"""
)
