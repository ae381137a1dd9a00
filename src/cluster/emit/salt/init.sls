# The node whose folder a minion gets is the one of its id, or pnda:node of its pillar.
# The folder is brought to the minion's cache while this is read, so that test=True looks at the new one too.
{% set node = salt['pillar.get']('pnda:node', grains['id']) %}
{% set script = salt['cp.cache_dir']('salt://pnda/nodes/' ~ node) | select('match', '.*/install[.]sh$') | first %}
{% set door = salt['cp.cache_file']('salt://pnda/door.sh') %}
{% set options = salt['pillar.get']('pnda:options', '') %}

pnda is as it was rendered for {{ node }}:
  cmd.run:
    - name: sh {{ door }} install {{ script }} {{ options }}
    - stateful:
      - test_name: sh {{ door }} look {{ script }} {{ options }}
