"""The style sheet of the review page: one column for reading, wide tables that scroll, light and dark, print."""

PAGE_STYLE = """
:root{--ground:#fff;--ink:#18212d;--soft:#4d5968;--rim:#dce2e9;--panel:#f4f6f8;--link:#1b5fc1;--good:#0b756a;--bad:#b3202c}
@media(prefers-color-scheme:dark){:root{--ground:#11161d;--ink:#e8edf4;--soft:#a9b5c3;--rim:#2c3643;--panel:#181f28;
--link:#7db4ff;--good:#4fcabb;--bad:#ff8089}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1168px;padding:40px 24px 96px;background:var(--ground);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.kicker{margin:0;color:var(--soft);font-size:13px;letter-spacing:.08em;text-transform:uppercase;font-weight:600}
h1{margin:6px 0 8px;font-size:34px;line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
h2{margin:52px 0 14px;padding-bottom:6px;border-bottom:1px solid var(--rim);font-size:23px;line-height:1.3}
h3{margin:30px 0 8px;font-size:17px}
p,ul,ol{max-width:78ch}
ul{padding-left:22px}li{margin:5px 0}
.ids,.basis{color:var(--soft);margin:6px 0}
.basis{font-size:14.5px}
code{font:13.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;background:var(--panel);
border:1px solid var(--rim);border-radius:4px;padding:1px 5px;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:12px;list-style:none;margin:22px 0;padding:0;max-width:none}
.figures li{margin:0;min-width:128px;padding:12px 16px;border:1px solid var(--rim);
border-radius:10px;background:var(--panel)}
.figures strong{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums}
.figures span{color:var(--soft);font-size:13px}
.figures .good strong{color:var(--good)}.figures .bad strong{color:var(--bad)}
figure{margin:28px 0;overflow-x:auto}
figure svg{display:block;min-width:900px;width:100%;height:auto}
table{display:block;overflow-x:auto;max-width:100%;border-collapse:collapse;margin:12px 0 18px;font-size:14.5px;
font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--soft);font-weight:600;font-size:13px;white-space:nowrap}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--rim);vertical-align:top}
td:last-child{min-width:70px}
a{color:var(--link);text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}
.cite{font-size:.86em;font-variant-numeric:tabular-nums}
details{margin-top:44px}summary{cursor:pointer;font-weight:600}
.ledger{font-size:13px}.ledger td{white-space:nowrap;padding-right:18px}
tr:target{background:var(--panel);outline:2px solid var(--link)}
@media print{body{padding:0;font-size:11pt}h2{break-after:avoid}tr,li{break-inside:avoid}details{display:none}}
"""
