{# Reads and writes nothing: the columns of a table by the codebook, with its types. #}
{% macro typed(columns) -%}
{% for column in columns %}"{{ column.name }}"::{{ column.type }} AS "{{ column.name }}"{{ ", " if not loop.last }}{% endfor %}
{%- endmacro %}
