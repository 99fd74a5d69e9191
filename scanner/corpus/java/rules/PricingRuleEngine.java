package com.northwind.rules;

import groovy.lang.GroovyShell;
import java.math.BigDecimal;
import java.util.Map;
import javax.script.Bindings;
import javax.script.ScriptEngine;
import javax.script.ScriptEngineManager;
import javax.script.ScriptException;
import org.springframework.expression.Expression;
import org.springframework.expression.ExpressionParser;
import org.springframework.expression.spel.standard.SpelExpressionParser;
import org.springframework.expression.spel.support.SimpleEvaluationContext;
import org.springframework.expression.spel.support.StandardEvaluationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class PricingRuleEngine {

    private static final Map<String, String> FORMULAS = Map.of(
            "standard", "price * 1.2",
            "bulk", "price * 0.9 + 4",
            "staff", "price * 0.7");

    private final ExpressionParser spel = new SpelExpressionParser();
    private final ScriptEngineManager engines = new ScriptEngineManager();

    @GetMapping("/pricing/preview")
    public Object preview(@RequestParam("formula") String formula, @RequestParam("price") BigDecimal price) {
        Expression exp = spel.parseExpression(formula);
        StandardEvaluationContext ctx = new StandardEvaluationContext();
        ctx.setVariable("price", price);
        return exp.getValue(ctx);
    }

    @GetMapping("/pricing/markup")
    public Object markup(@RequestParam("note") String note, @RequestParam("price") BigDecimal price) {
        Expression exp = spel.parseExpression("#note.length() > 0 ? #price * 1.1 : #price");
        SimpleEvaluationContext ctx = SimpleEvaluationContext.forReadOnlyDataBinding().withInstanceMethods().build();
        ctx.setVariable("price", price);
        ctx.setVariable("note", note);
        return exp.getValue(ctx);
    }

    private Object evalScript(String script, Bindings vars) throws ScriptException {
        ScriptEngine js = engines.getEngineByName("JavaScript");
        return vars == null ? js.eval(script) : js.eval(script, vars);
    }

    @PostMapping("/pricing/simulate")
    public Object simulate(@RequestBody Map<String, String> body) throws ScriptException {
        String rule = body.getOrDefault("rule", "0");
        return evalScript("(function() { return " + rule + "; })()", null);
    }

    @GetMapping("/pricing/quote")
    public Object quote(@RequestParam("plan") String plan, @RequestParam("price") double price) throws ScriptException {
        String formula = FORMULAS.get(plan);
        if (formula == null) {
            throw new IllegalArgumentException("plan");
        }
        Bindings vars = engines.getEngineByName("JavaScript").createBindings();
        vars.put("price", price);
        return evalScript(formula, vars);
    }

    @PostMapping("/pricing/discount")
    public Object discount(@RequestBody String script) {
        String source = script.strip();
        final String program = source;
        GroovyShell shell = new GroovyShell();
        return shell.evaluate(program);
    }

    @PostMapping("/pricing/legacy-discount")
    public Object legacyDiscount(@RequestParam(value = "script", required = false) String script) {
        GroovyShell shell = new GroovyShell();
        // scripts from the old admin page are ignored since release 4
        script = "return [rate: 0.05, minimum: 100]";
        return shell.evaluate(script);
    }
}
